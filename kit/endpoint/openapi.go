package endpoint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"example.com/latchkey/kit/problem"
)

// Info describes the API as a whole.
type Info struct {
	Root            string         `json:"-"` // where the paths begin, relative to the document, so that a proxy may add a prefix
	SecuritySchemes map[string]any `json:"-"` // OpenAPI's, by name; a route that is not public accepts each
	NotLogins       []string       `json:"-"` // the names of those that a route with Access.Login refuses

	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
	Contact     struct {
		Name string `json:"name"`
	} `json:"contact"`
	License struct {
		Identifier string `json:"identifier"` // from SPDX
		Name       string `json:"name"`
	} `json:"license"`
}

const schemas = "#/components/schemas/"

type object = map[string]any

// Document describes the routes as OpenAPI 3.1, from the types of their inputs and
// answers. The error is that of CheckRoutes.
func Document(info Info, routes []Route) ([]byte, error) {
	d, err := describeAll(info, routes)
	if err != nil {
		return nil, err
	}
	paths, err := d.pathsInOrder()
	if err != nil {
		return nil, err
	}
	return json.Marshal(object{
		"openapi": "3.1.0",
		"info":    info,
		"servers": []object{{"url": info.Root}},
		"tags":    d.tags,
		"paths":   paths,
		"components": object{
			"schemas":         d.components,
			"examples":        d.examples,
			"securitySchemes": info.SecuritySchemes,
		},
	})
}

// CheckRoutes returns an error that names each route that cannot work or cannot be
// described, and both of two routes with the same path or the same operationId. It is
// quick, so that it can run at each start.
func CheckRoutes(routes []Route) error {
	_, err := describeAll(Info{}, routes)
	return err
}

// document is what is known of the routes that were described before.
type document struct {
	where      string // the route, and the fields in it
	errs       []error
	tags       []tagged
	schemes    []string          // the names of the security schemes
	notLogins  []string          // those of them that are not a login
	paths      []string          // in the order of the table
	operations map[string]object // by path, then by method
	components object
	examples   object             // by their problem's code
	names      map[string]typeUse // of the components
	routes     map[string]Route   // by where, and by operationId
}

// tagged is a group of routes.
type tagged struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func describeAll(info Info, routes []Route) (*document, error) {
	d := &document{operations: map[string]object{}, components: object{}, examples: object{}, names: map[string]typeUse{}, routes: map[string]Route{}, schemes: slices.Sorted(maps.Keys(info.SecuritySchemes)), notLogins: info.NotLogins}
	for _, route := range routes {
		d.where = route.Method + " " + route.Path
		d.add(route)
	}
	return d, errors.Join(d.errs...)
}

// fail notes why the route, or the type in it, cannot work.
func (d *document) fail(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s: %w", d.where, fmt.Errorf(format, args...)))
}

func (d *document) add(route Route) {
	if other, found := d.routes[d.where]; found {
		d.errs = append(d.errs, fmt.Errorf("%s is in the table twice: for %s and for %s", d.where, other.function, route.function))
		return
	}
	d.routes[d.where] = route
	path := pathParameters.ReplaceAllString(route.Path, "/{$1}")
	if d.operations[path] == nil {
		d.operations[path] = object{}
		d.paths = append(d.paths, path)
	}
	d.operations[path][strings.ToLower(route.Method)] = d.operation(route)
}

// pathsInOrder keeps the paths in the order of the table, for the reader. A map would be
// written in the order of the alphabet.
func (d *document) pathsInOrder() (json.RawMessage, error) {
	var paths []string
	for _, path := range d.paths {
		text, err := json.Marshal(object{path: d.operations[path]})
		if err != nil {
			return nil, err
		}
		paths = append(paths, string(text[1:len(text)-1]))
	}
	return json.RawMessage("{" + strings.Join(paths, ",") + "}"), nil
}

// responses describes the success and every problem that the route may answer.
func (d *document) responses(route Route) object {
	status := cmp.Or(route.status, http.StatusOK)
	success := d.success(route, status)
	responses := object{strconv.Itoa(status): success}
	for _, also := range route.also {
		responses[strconv.Itoa(also)] = object{"description": http.StatusText(also)}
	}
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
			headers["ETag"] = object{"description": "The version, for If-Match", "required": true, "schema": object{"type": "string"}}
		}
		if route.located {
			headers["Location"] = object{"description": "Where it is shown", "required": true, "schema": object{"type": "string"}}
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
	for i, p := range all {
		var mapped *problem.Problem
		if r.mapErrors != nil && errors.As(r.mapErrors(p), &mapped) {
			all[i] = mapped
		}
	}
	return all
}
