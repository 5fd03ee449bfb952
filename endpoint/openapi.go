package endpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/swaggest/jsonschema-go"

	"example.com/latchkey/problem"
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
		item := paths.get(pathParameter.ReplaceAllString(route.Path, "{$1}"))
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
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info":    info,
		"servers": []object{{"url": "/"}},
		"paths":   paths,
		"components": object{
			"schemas":         d.components,
			"examples":        d.examples,
			"securitySchemes": info.SecuritySchemes,
		},
	}, "", "  ")
}

// pathParameter is one as Gin writes it.
var pathParameter = regexp.MustCompile(`:(\w+)`)

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

// use is a type in one of its parts. An input has rules that an answer has not,
// so one type in both parts would be two schemas of one name.
type use struct {
	of reflect.Type
	as string
}

const (
	asInput  = "an input"
	asAnswer = "an answer"
)

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

func (d *document) operation(route Route) (object, error) {
	if route.fault != nil {
		return nil, route.fault
	}
	tag, id := names(route)
	if other, taken := d.operations[id]; taken {
		return nil, fmt.Errorf("is called %s, as %s %s is: give its function another name", id, other.Method, other.Path)
	}
	d.operations[id] = route
	responses, err := d.responses(route)
	if err != nil {
		return nil, err
	}
	operation := object{"tags": []string{tag}, "summary": route.Summary, "operationId": id, "security": []object{}, "responses": responses}
	if !route.Access.Public() {
		operation["security"] = d.security
	}
	if parameters, err := d.parameters(route); err != nil {
		return nil, err
	} else if len(parameters) > 0 {
		operation["parameters"] = parameters
	}
	content := object{}
	for tag, media := range map[string]string{tagJSON: typeJSON, tagForm: typeForm} {
		if len(route.bind.fields[tag]) == 0 {
			continue
		}
		schema, err := d.body(route, tag)
		if err != nil {
			return nil, err
		}
		content[media] = object{"schema": schema}
	}
	if len(content) > 0 {
		operation["requestBody"] = object{"required": true, "content": content}
	}
	return operation, nil
}

// names gives the tag and the operationId of a route, from the method that
// handles it: Account.Login is accountLogin of account.
func names(route Route) (tag, id string) {
	handler := strings.NewReplacer("[...]", "", "-fm", "").Replace(route.handler)
	parts := strings.Split(handler[strings.LastIndex(handler, "/")+1:], ".")
	name := parts[len(parts)-1]
	tag = strings.ToLower(strings.Trim(parts[max(0, len(parts)-2)], "(*)"))
	return tag, cmp.Or(route.operation, tag+strings.ToUpper(name[:1])+name[1:])
}

func handlerName(handle any) string {
	return runtime.FuncForPC(reflect.ValueOf(handle).Pointer()).Name()
}

func (d *document) parameters(route Route) ([]object, error) {
	var parameters []object
	for _, in := range []string{tagPath, tagQuery, tagHeader} {
		for _, name := range slices.Sorted(maps.Keys(route.bind.fields[in])) {
			field := route.in.FieldByIndex(route.bind.fields[in][name])
			schema, required, err := d.field(field)
			if err != nil {
				return nil, err
			}
			parameters = append(parameters, object{"name": name, "in": in, "required": required || in == tagPath, "schema": schema})
		}
	}
	return parameters, nil
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
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	name := typeName(route.in)
	if tag == tagJSON {
		schema["additionalProperties"] = false
	} else if name != "" {
		name += "Form"
	}
	if name == "" {
		return schema, nil
	}
	d.components[name] = schema
	return object{"$ref": schemas + name}, d.claim(name, use{route.in, asInput})
}

// claim takes the name of a component for a type.
func (d *document) claim(name string, by use) error {
	other, taken := d.uses[name]
	if taken && other != by {
		return fmt.Errorf("%v (%s) and %v (%s) would both be called %s: rename one", other.of, other.as, by.of, by.as, name)
	}
	d.uses[name] = by
	return nil
}

// field describes an input's field with its rules.
func (d *document) field(field reflect.StructField) (schema object, required bool, err error) {
	schema, err = d.describe(use{pointee(field.Type), asInput})
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", field.Name, err)
	}
	return schema, addRules(schema, field), nil
}

// addRules says in a schema what the binding tag of its field does, as far as
// JSON Schema can say it, and reports whether the field is required.
func addRules(schema object, field reflect.StructField) (required bool) {
	of := pointee(field.Type)
	for _, rule := range strings.Split(field.Tag.Get("binding"), ",") {
		name, value, _ := strings.Cut(rule, "=")
		number, _ := strconv.ParseFloat(value, 64)
		switch suffix := lengthOf(of); name {
		case "required":
			required = true
		case "dive":
			return required // what follows is about the items
		case "email", "uuid", "uri":
			schema["format"] = name
		case "oneof":
			schema["enum"] = strings.Fields(value)
		case "min", "gte":
			schema["min"+suffix] = number
		case "max", "lte":
			schema["max"+suffix] = number
		}
	}
	if required && lengthOf(of) == "Length" && schema["minLength"] == nil && schema["enum"] == nil {
		schema["minLength"] = 1 // Gin takes an empty word for a missing one
	}
	return required
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// lengthOf is how JSON Schema calls the size of a type's values.
func lengthOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "Length"
	case reflect.Slice, reflect.Array:
		return "Items"
	}
	return "imum"
}

// describe gives the schema of a type, and makes a component of each struct in it.
func (d *document) describe(what use) (object, error) {
	if known, ok := d.described[what]; ok {
		return maps.Clone(known), nil
	}
	var taken error
	described, err := d.reflector.Reflect(reflect.New(what.of).Elem().Interface(),
		jsonschema.DefinitionsPrefix(schemas),
		jsonschema.RootRef,
		jsonschema.InterceptDefName(func(t reflect.Type, _ string) string {
			name, by := typeName(t), what
			if describesItself(t) {
				d.reflector.InlineDefinition(reflect.Zero(t).Interface())
				return name
			}
			if by.of = t; t.Kind() != reflect.Struct {
				by.as = "a word" // the same in both parts
			}
			if taken == nil {
				taken = d.claim(name, by)
			}
			return name
		}),
		jsonschema.InterceptProp(func(p jsonschema.InterceptPropParams) error {
			required := !strings.Contains(p.Field.Tag.Get(tagJSON), ",omit")
			if !p.Processed {
				return nil
			}
			if what.as == asInput {
				schema, err := toObject(p.PropertySchema)
				if err != nil {
					return err
				}
				required = addRules(schema, p.Field)
				text, err := json.Marshal(schema)
				if err := errors.Join(err, p.PropertySchema.UnmarshalJSON(text)); err != nil {
					return err
				}
				p.ParentSchema.WithAdditionalProperties(jsonschema.SchemaOrBool{TypeBoolean: new(false)})
			}
			if required {
				p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
			}
			return nil
		}),
		jsonschema.InterceptNullability(func(p jsonschema.InterceptNullabilityParams) {
			if p.NullAdded && p.Type.Kind() == reflect.Slice { // written as [], never as null
				list := jsonschema.Array.Type()
				p.Schema.Type = &list
			}
		}),
		jsonschema.CollectDefinitions(func(name string, schema jsonschema.Schema) { d.components[name] = schema }),
	)
	if err := errors.Join(err, taken); err != nil {
		return nil, err
	}
	schema, err := toObject(&described)
	d.described[what] = maps.Clone(schema)
	return schema, err
}

// describesItself reports whether a type is a word with a schema of its own,
// which stands where it is used instead of among the components.
func describesItself(t reflect.Type) bool {
	return t.Kind() != reflect.Struct && t.Implements(reflect.TypeFor[jsonschema.RawExposer]())
}

// uuidSchema describes a UUID, whose type cannot do so itself.
type uuidSchema string

// JSONSchemaBytes is the schema of a UUID.
func (uuidSchema) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","format":"uuid","examples":["01900000-0000-7000-8000-000000000000"]}`), nil
}

func toObject(schema *jsonschema.Schema) (object, error) {
	text, err := schema.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var made object
	err = json.Unmarshal(text, &made)
	return made, err
}

var generic = regexp.MustCompile(`^(\w+)\[.*?(\w+)\]$`)

// typeName is a type's name without its package; a List[Note] is a NoteList.
func typeName(t reflect.Type) string {
	return generic.ReplaceAllString(t.Name(), "$2$1")
}

// responses are the success, and every problem that the route may answer with.
func (d *document) responses(route Route) (object, error) {
	success := object{"description": http.StatusText(cmp.Or(route.status, http.StatusOK))}
	if route.out != nil && route.out != reflect.TypeFor[None]() {
		schema, err := d.describe(use{route.out, asAnswer})
		if err != nil {
			return nil, err
		}
		success["content"] = object{typeJSON: object{"schema": schema}}
		if route.out.Implements(reflect.TypeFor[Versioned]()) {
			success["headers"] = object{"ETag": object{"description": "The version, for If-Match", "required": true, "schema": object{"type": "string"}}}
		}
	}
	responses := object{strconv.Itoa(cmp.Or(route.status, http.StatusOK)): success}
	byStatus := map[int][]*problem.Problem{}
	for _, p := range route.allProblems() {
		byStatus[p.Status] = append(byStatus[p.Status], p)
	}
	for status, problems := range byStatus {
		response, err := d.refusal(problems)
		if err != nil {
			return nil, err
		}
		responses[strconv.Itoa(status)] = response
	}
	return responses, nil
}

// refusal is an answer with one of problems, which have one status.
func (d *document) refusal(problems []*problem.Problem) (object, error) {
	examples, words := object{}, []string{}
	media, of := problem.ContentType, reflect.TypeFor[problem.Details]()
	for _, p := range problems {
		example := object{"$ref": "#/components/examples/" + p.Code}
		if own, body := p.Own(); own != "" {
			media, of = own, reflect.TypeOf(body)
			example = object{"value": body}
		} else {
			d.examples[p.Code] = object{"value": p.Details("01900000-0000-7000-8000-000000000000")}
		}
		if examples[p.Code] == nil {
			words = append(words, fmt.Sprintf("`%s`: %s", p.Code, p.Detail))
			examples[p.Code] = example
		}
	}
	schema, err := d.describe(use{of, asAnswer})
	if err != nil {
		return nil, err
	}
	return object{
		"description": strings.Join(words, "; "),
		"content":     object{media: object{"schema": schema, "examples": examples}},
	}, nil
}

// allProblems are what a route may answer besides its success: what its access
// and its input bring with them, and what it says itself.
func (r Route) allProblems() []*problem.Problem {
	all := slices.Clone(r.Access.Problems)
	body := len(r.bind.fields[tagJSON])+len(r.bind.fields[tagForm]) > 0
	if body {
		all = append(all, problem.MalformedBody, problem.BodyTooLarge, problem.UnsupportedMediaType)
	}
	if body || len(r.bind.fields[tagQuery])+len(r.bind.fields[tagHeader]) > 0 {
		all = append(all, problem.ValidationFailed)
	}
	if len(r.bind.fields[tagPath]) > 0 {
		all = append(all, problem.NotFound)
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
