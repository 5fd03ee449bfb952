package endpoint

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"example.com/latchkey/kit/problem"
)

// responses describes the success and every problem that the route may answer.
func (d *document) responses(route Route) (object, error) {
	success := object{"description": http.StatusText(cmp.Or(route.status, http.StatusOK))}
	media := route.media
	if route.isFile() && len(media) == 0 {
		media = []string{"*/*"}
	}
	if len(media) > 0 {
		content := object{}
		for _, name := range media {
			content[name] = object{}
		}
		success["content"] = content
	} else if route.out != nil && route.status != http.StatusNoContent { // None is {}
		schema, err := d.describe(route.out, asAnswer)
		if err != nil {
			return nil, err
		}
		success["content"] = object{typeJSON: object{"schema": schema}}
		headers := object{}
		if route.out.Implements(reflect.TypeFor[Versioned]()) {
			headers["ETag"] = object{"description": "The version, for If-Match", "required": true, "schema": object{"type": "string"}}
		}
		if route.located {
			headers["Location"] = object{"description": "Where it is shown", "required": true, "schema": object{"type": "string"}}
		}
		if len(headers) > 0 {
			success["headers"] = headers
		}
	}
	responses := object{strconv.Itoa(cmp.Or(route.status, http.StatusOK)): success}
	if route.isFile() && route.Method == http.MethodGet {
		responses["206"] = object{"description": http.StatusText(http.StatusPartialContent), "content": success["content"]}
	}
	if route.Method == http.MethodGet && (route.isFile() || route.out != nil && route.out.Implements(reflect.TypeFor[Versioned]())) {
		responses["304"] = object{"description": http.StatusText(http.StatusNotModified)}
	}
	byStatus := map[int][]*problem.Problem{}
	for _, p := range route.allProblems() {
		byStatus[p.Status] = append(byStatus[p.Status], p)
	}
	for status, problems := range byStatus {
		response, err := d.problemResponse(problems)
		if err != nil {
			return nil, err
		}
		responses[strconv.Itoa(status)] = response
	}
	return responses, nil
}

func (r Route) isFile() bool { return r.out == reflect.TypeFor[File]() }

// problemResponse describes an answer with one of problems, which all have the
// same status.
func (d *document) problemResponse(problems []*problem.Problem) (object, error) {
	examples, descriptions := object{}, []string{}
	media, bodyType := problem.ContentType, reflect.TypeFor[problem.Details]()
	for _, p := range problems {
		example := object{"$ref": "#/components/examples/" + p.Code}
		if own, body := p.Body(); own != "" {
			media, bodyType = own, reflect.TypeOf(body)
			example = object{"value": body}
		} else {
			d.examples[p.Code] = object{"value": p.Details("01900000-0000-7000-8000-000000000000")}
		}
		if examples[p.Code] == nil {
			descriptions = append(descriptions, fmt.Sprintf("`%s`: %s", p.Code, p.Detail))
			examples[p.Code] = example
		}
	}
	schema, err := d.describe(bodyType, asAnswer)
	if err != nil {
		return nil, err
	}
	return object{
		"description": strings.Join(descriptions, "; "),
		"content":     object{media: object{"schema": schema, "examples": examples}},
	}, nil
}

// allProblems returns the problems that a route may answer: those of its access,
// those of its input, and those listed with Errors.
func (r Route) allProblems() []*problem.Problem {
	all := slices.Clone(r.Access.Problems)
	body := len(r.bind.bodies) > 0
	if body {
		all = append(all, problem.MalformedBody, problem.BodyTooLarge, problem.UnsupportedMediaType)
	}
	if body || len(r.bind.fields[tagQuery])+len(r.bind.fields[tagHeader]) > 0 {
		all = append(all, problem.ValidationFailed)
	}
	if len(r.bind.fields[tagPath]) > 0 {
		all = append(all, problem.NotFound)
	}
	if r.isFile() && r.Method == http.MethodGet {
		all = append(all, problem.PreconditionFailed, problem.RangeNotSatisfiable)
	}
	all = append(append(all, r.problems...), problem.Internal)
	if r.mapErrors == nil {
		return all
	}
	for i, p := range all {
		var mapped *problem.Problem
		if errors.As(r.mapErrors(p), &mapped) {
			all[i] = mapped
		}
	}
	return all
}
