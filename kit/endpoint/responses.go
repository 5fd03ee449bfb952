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
func (d *document) responses(route Route) object {
	status := cmp.Or(route.status, http.StatusOK)
	success := d.success(route, status)
	responses := object{strconv.Itoa(status): success}
	isGet := route.Method == http.MethodGet
	if isGet && route.isFile() {
		responses["206"] = object{"description": http.StatusText(http.StatusPartialContent), "content": success["content"]}
	}
	if isGet && (route.isFile() || route.isVersioned()) {
		responses["304"] = object{"description": http.StatusText(http.StatusNotModified)}
	}
	byStatus := map[int][]*problem.Problem{}
	for _, p := range route.allProblems() {
		byStatus[p.Status] = append(byStatus[p.Status], p)
	}
	for status, problems := range byStatus {
		responses[strconv.Itoa(status)] = d.problemResponse(problems)
	}
	return responses
}

func (d *document) success(route Route, status int) object {
	success, content, headers := object{"description": http.StatusText(status)}, object{}, object{}
	header := func(description string) object {
		return object{"description": description, "required": true, "schema": object{"type": "string"}}
	}
	switch {
	case len(route.media) > 0:
		for _, name := range route.media {
			content[name] = object{}
		}
	case route.isFile():
		content["*/*"] = object{}
	case route.out != nil && status != http.StatusNoContent: // None is {}
		content[typeJSON] = object{"schema": d.describe(route.out, asAnswer)}
		if route.isVersioned() {
			headers["ETag"] = header("The version, for If-Match")
		}
		if route.located {
			headers["Location"] = header("Where it is shown")
		}
	}
	put(success, "content", content)
	put(success, "headers", headers)
	return success
}

func (r Route) isFile() bool { return r.out == reflect.TypeFor[File]() }

func (r Route) isVersioned() bool {
	return r.out != nil && r.out.Implements(reflect.TypeFor[Versioned]())
}

// problemResponse describes an answer with one of problems, which all have the
// same status.
func (d *document) problemResponse(problems []*problem.Problem) object {
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
	return object{
		"description": strings.Join(descriptions, "; "),
		"content":     object{media: object{"schema": d.describe(bodyType, asAnswer), "examples": examples}},
	}
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
