package endpoint

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

func (d *document) operation(route Route) (object, error) {
	if route.fault != nil {
		return nil, route.fault
	}
	tag, id := names(route)
	if other, taken := d.operations[id]; taken {
		return nil, fmt.Errorf("is called %s, as %s %s is: give its function another name, or the route by Operation", id, other.Method, other.Path)
	}
	d.operations[id] = route
	responses, responsesErr := d.responses(route)
	parameters, parametersErr := d.parameters(route)
	body, bodyErr := d.requestBody(route)
	if err := errors.Join(responsesErr, parametersErr, bodyErr, rulesOf(route)); err != nil {
		return nil, err
	}
	operation := object{"tags": []string{tag}, "summary": route.Summary, "operationId": id, "security": []object{}, "responses": responses}
	if !route.Access.Public() {
		operation["security"] = d.security
	}
	if len(parameters) > 0 {
		operation["parameters"] = parameters
	}
	if body != nil {
		operation["requestBody"] = body
	}
	return operation, nil
}

func rulesOf(route Route) error {
	if route.in == nil {
		return nil
	}
	return types{}.checkRules(route.in)
}

// instance is what a function's name has for the types of a generic one.
var instance = regexp.MustCompile(`\[\.\.\.\]|(\.func\d+)+$`)

// names gives the tag and the operationId of a route, from the method that
// handles it: Account.Login is accountLogin of account. A generic handler is
// mounted for many types, so there the path gives the tag: Index of /notes is
// notesIndex of notes.
func names(route Route) (tag, id string) {
	handler := strings.TrimSuffix(route.handler, "-fm")
	isGeneric := strings.Contains(handler, "[...]")
	if isGeneric {
		handler = instance.ReplaceAllString(handler, "")
	}
	parts := strings.Split(handler[strings.LastIndex(handler, "/")+1:], ".")
	name := parts[len(parts)-1]
	tag = strings.ToLower(strings.Trim(parts[max(0, len(parts)-2)], "(*)"))
	if isGeneric {
		segments := strings.Split(pathParameter.ReplaceAllString(route.Path, ""), "/")
		tag = cmp.Or(segments[len(segments)-1], tag)
	}
	return tag, cmp.Or(route.operation, tag+strings.ToUpper(name[:1])+name[1:])
}

func handlerName(handle any) string {
	return runtime.FuncForPC(reflect.ValueOf(handle).Pointer()).Name()
}

// parameters are those that the input binds, and those of the path that a handler
// in Gin's own terms reads itself.
func (d *document) parameters(route Route) (parameters []object, err error) {
	inPath := pathNames(route.Path)
	for i, name := range inPath {
		if slices.Contains(inPath[:i], name) {
			return nil, fmt.Errorf("has the parameter %s twice in its path", name)
		}
		if route.bind.fields[tagPath][name] == nil {
			parameters = append(parameters, object{"name": name, "in": tagPath, "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, in := range []string{tagPath, tagQuery, tagHeader} {
		for _, name := range slices.Sorted(maps.Keys(route.bind.fields[in])) {
			schema, required, err := d.field(route.in.FieldByIndex(route.bind.fields[in][name]))
			if err != nil {
				return nil, err
			}
			parameters = append(parameters, object{"name": name, "in": in, "required": required || in == tagPath, "schema": schema})
		}
	}
	return parameters, nil
}

// requestBody describes the body in each of its media types.
func (d *document) requestBody(route Route) (object, error) {
	content, required := object{}, true
	for _, media := range slices.Sorted(maps.Keys(route.bind.bodies)) {
		tag := route.bind.bodies[media]
		if tag == tagBody { // its bytes, whatever they are
			field := route.in.FieldByIndex(route.bind.fields[tagBody][media])
			content[media], required = object{}, slices.Contains(strings.Split(field.Tag.Get("binding"), ","), "required")
			continue
		}
		schema, err := d.body(route, tag)
		if err != nil {
			return nil, err
		}
		content[media] = object{"schema": schema}
		if files := acceptedFiles(route); media == typeMultipart && len(files) > 0 {
			content[media] = object{"schema": schema, "encoding": files}
		}
	}
	if len(content) == 0 {
		return nil, nil
	}
	return object{"required": required, "content": content}, nil
}

// acceptedFiles are the media types of a form's files, by their fields.
func acceptedFiles(route Route) object {
	files := object{}
	for name, index := range route.bind.fields[tagForm] {
		if field := route.in.FieldByIndex(index); isFile(field.Type) && field.Tag.Get(tagAccept) != "" {
			files[name] = object{"contentType": strings.Join(acceptOf(field), ", ")}
		}
	}
	return files
}

// body describes what binder reads: no other field in JSON; in a form, which
// OAuth2 may add to, any.
func (d *document) body(route Route, tag string) (object, error) {
	properties, required := object{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(route.bind.fields[tag])) {
		field := route.in.FieldByIndex(route.bind.fields[tag][name])
		schema, must, err := d.field(field)
		if err != nil {
			return nil, err
		}
		if tag == tagJSON && !must && route.bind.nullable(field.Type) {
			schema = object{"anyOf": []object{schema, {"type": "null"}}}
		}
		properties[name] = schema
		if must {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": tag == tagForm}
	if len(required) > 0 {
		schema["required"] = required
	}
	name := typeName(route.in)
	if tag == tagForm && name != "" {
		name += "Form"
	}
	if name == "" {
		return schema, nil
	}
	d.components[name] = schema
	return object{"$ref": schemas + name}, d.claim(name, use{route.in, asInput})
}
