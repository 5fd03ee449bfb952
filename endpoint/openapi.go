package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/swaggest/jsonschema-go"
)

// Info is what a document says of the API as a whole.
type Info struct {
	SecuritySchemes map[string]any `json:"-"` // of OpenAPI, by their names; a route that is not public takes any of them

	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
	License     struct {
		Identifier string `json:"identifier"` // of SPDX
		Name       string `json:"name"`
	} `json:"license"`
}

const schemas = "#/components/schemas/"

type object = map[string]any

// Document describes the routes as OpenAPI 3.1, from the types that bind their
// input and write their answers. The error names a route that cannot be
// described, or both of two that have one name.
func Document(info Info, routes []Route) ([]byte, error) {
	d := &document{components: object{}, examples: object{}, uses: map[string]use{}, described: map[use]object{}, routes: map[string]Route{}, operations: map[string]Route{}}
	d.reflector.AddTypeMapping(uuid.UUID{}, uuidSchema(""))
	for _, name := range slices.Sorted(maps.Keys(info.SecuritySchemes)) {
		d.security = append(d.security, object{name: []string{}})
	}
	var paths ordered
	var failed []error
	for _, route := range routes {
		item := paths.get(pathParameter.ReplaceAllString(route.Path, "/{$1}"))
		method := strings.ToLower(route.Method)
		if twin, twice := d.routes[route.Method+route.Path]; twice {
			failed = append(failed, fmt.Errorf("%s %s is in the table twice: for %s and for %s", route.Method, route.Path, twin.handler, route.handler))
			continue
		}
		d.routes[route.Method+route.Path] = route
		operation, err := d.operation(route)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", route.Method, route.Path, err))
		}
		item[method] = operation
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return json.Marshal(object{
		"openapi": "3.1.0",
		"info":    info,
		"servers": []object{{"url": "/"}},
		"paths":   paths,
		"components": object{
			"schemas":         d.components,
			"examples":        d.examples,
			"securitySchemes": info.SecuritySchemes,
		},
	})
}

// ordered are the paths in the order of the table, which is how people read them.
type ordered struct {
	paths []string
	items map[string]object
}

func (o *ordered) get(path string) object {
	if o.items == nil {
		o.items = map[string]object{}
	}
	if o.items[path] == nil {
		o.paths, o.items[path] = append(o.paths, path), object{}
	}
	return o.items[path]
}

// MarshalJSON writes the paths in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, path := range o.paths {
		name, nameErr := json.Marshal(path)
		item, err := json.Marshal(o.items[path])
		if err := errors.Join(nameErr, err); err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%c%s:%s", "{,"[min(i, 1)], name, item)
	}
	return append(out.Bytes(), '}'), nil
}

type document struct {
	security   []object
	reflector  jsonschema.Reflector
	components object
	examples   object         // by their problem's code
	uses       map[string]use // by the name of their component
	described  map[use]object
	routes     map[string]Route // by method and path
	operations map[string]Route // by operationId
}
