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

// Info describes the API as a whole.
type Info struct {
	Root            string         `json:"-"` // where the paths begin, relative to the document, so that a proxy may add a prefix
	SecuritySchemes map[string]any `json:"-"` // OpenAPI's, by name; a route that is not public accepts each that its access does not refuse

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
// answers. The error is that of CheckRoutes, or names each route that cannot be described.
func Document(info Info, routes []Route) ([]byte, error) {
	if err := CheckRoutes(routes); err != nil {
		return nil, err
	}
	d := &document{components: object{}, examples: object{}, names: names{}, described: map[typeUse]object{}}
	d.reflector.AddTypeMapping(uuid.UUID{}, uuidSchema(""))
	for _, name := range slices.Sorted(maps.Keys(info.SecuritySchemes)) {
		d.security = append(d.security, object{name: []string{}})
	}
	var paths orderedPaths
	var errs []error
	for _, route := range routes {
		operation, err := d.operation(route)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", route.Method, route.Path, err))
		}
		paths.add(pathParameters.ReplaceAllString(route.Path, "/{$1}"), strings.ToLower(route.Method), operation)
	}
	if err := errors.Join(errs...); err != nil {
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

// orderedPaths keeps the paths in the order of the table, for the reader. A map
// would be written in the order of the alphabet.
type orderedPaths []pathItem

type pathItem struct {
	path       string
	operations object // by method
}

func (o *orderedPaths) add(path, method string, operation object) {
	i := slices.IndexFunc(*o, func(item pathItem) bool { return item.path == path })
	if i < 0 {
		i = len(*o)
		*o = append(*o, pathItem{path, object{}})
	}
	(*o)[i].operations[method] = operation
}

// MarshalJSON writes the paths in their order.
func (o orderedPaths) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, item := range o {
		text, err := json.Marshal(object{item.path: item.operations})
		if err != nil {
			return nil, err
		}
		out.WriteByte("{,"[min(i, 1)])
		out.Write(text[1 : len(text)-1])
	}
	return append(out.Bytes(), '}'), nil
}

// tagged is a group of routes.
type tagged struct {
	Name        string `json:"name"`
	Description string `json:"description"` // the summaries of its routes
}

type document struct {
	tags       []tagged
	security   []object
	reflector  jsonschema.Reflector
	components object
	examples   object // by their problem's code
	names      names
	described  map[typeUse]object
}
