package endpoint

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

func (d *document) operation(route Route) object {
	tag, id := tagAndID(route)
	if other, taken := d.routes[id]; taken {
		d.fail("has the operationId %s, like %s %s: rename its function, or set another with Operation", id, other.Method, other.Path)
	}
	d.routes[id] = route
	var err error
	if route.bind, err = newBinder(route); err != nil {
		d.fail("%w", err)
		return nil
	}
	d.addTag(tag, route.tagText)
	description := "Access: " + route.Access.String() + "."
	if route.maxBody > 0 {
		description += fmt.Sprintf(" Body: at most %d bytes.", route.maxBody)
	}
	operation := object{"tags": []string{tag}, "summary": route.Summary, "description": description, "operationId": id, "security": d.security(route.Access), "responses": d.responses(route)}
	put(operation, "parameters", d.parameters(route))
	put(operation, "requestBody", d.requestBody(route))
	return operation
}

// security lists the security schemes, of which each is enough.
func (d *document) security(access Access) []object {
	security := []object{}
	for _, name := range d.schemes {
		if !access.Public() && (!access.Login || !slices.Contains(d.notLogins, name)) {
			security = append(security, object{name: []string{}})
		}
	}
	return security
}

// addTag describes a tag with the text of one of its routes, if there is any.
func (d *document) addTag(name, text string) {
	i := slices.IndexFunc(d.tags, func(t tagged) bool { return t.Name == name })
	if i < 0 {
		i, d.tags = len(d.tags), append(d.tags, tagged{name, "The routes of " + name + "."})
	}
	if text != "" {
		d.tags[i].Description = text
	}
}

// genericMark matches what the name of a generic function has for its types.
var genericMark = regexp.MustCompile(`\[\.\.\.\]|(\.func\d+)+$`)

// tagAndID returns the tag and the operationId of a route. They come from its
// method: Account.Login has the tag account and the operationId accountLogin. A
// generic method can serve many types, so its tag comes from the path: Index of
// /notes has the tag notes and the operationId notesIndex.
func tagAndID(route Route) (tag, id string) {
	handler := strings.TrimSuffix(route.function, "-fm")
	isGeneric := strings.Contains(handler, "[...]")
	if isGeneric {
		handler = genericMark.ReplaceAllString(handler, "")
	}
	parts := strings.Split(handler[strings.LastIndex(handler, "/")+1:], ".")
	name := parts[len(parts)-1]
	tag = strings.ToLower(strings.Trim(parts[max(0, len(parts)-2)], "(*)"))
	if isGeneric {
		segments := strings.Split(pathParameters.ReplaceAllString(route.Path, ""), "/")
		tag = cmp.Or(segments[len(segments)-1], tag)
	}
	return tag, cmp.Or(route.operation, tag+strings.ToUpper(name[:1])+name[1:])
}

func functionName(handle any) string {
	return runtime.FuncForPC(reflect.ValueOf(handle).Pointer()).Name()
}

// parameters describes the parameters that the input binds, and those of the path
// that only a Gin handler reads.
func (d *document) parameters(route Route) (parameters []object) {
	names := pathNames(route.Path)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			d.fail("has the parameter %s twice in its path", name)
		}
		if _, bound := route.bind.field(tagPath, name); !bound {
			parameters = append(parameters, object{"name": name, "in": tagPath, "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, in := range []string{tagPath, tagQuery, tagHeader} {
		for _, field := range route.bind.fields[in] {
			schema, required := d.field(route.in, field, asInput)
			if values := route.enums[field.name]; values != nil {
				schema["enum"] = values
			}
			parameters = append(parameters, object{"name": field.name, "in": in, "required": required || in == tagPath, "schema": schema})
		}
	}
	for name := range route.enums {
		if !slices.ContainsFunc(parameters, func(p object) bool { return p["name"] == name }) {
			d.fail("has an Enum of %s, which is not a parameter of its input", name)
		}
	}
	return parameters
}

// requestBody describes the body in each of its media types.
func (d *document) requestBody(route Route) object {
	content, required := object{}, true
	for _, media := range slices.Sorted(maps.Keys(route.bind.bodies)) {
		tag := route.bind.bodies[media]
		if tag == tagBody { // any bytes
			field, _ := route.bind.field(tagBody, media)
			content[media] = object{}
			_, required = d.field(route.in, field, asInput)
			continue
		}
		schema := d.body(route, tag)
		described := object{"schema": schema}
		if media != typeMultipart || len(route.bind.bodies) > 1 { // a form with files is only multipart
			described["example"] = d.example(schema, maxExampleDepth)
		}
		if media == typeMultipart {
			put(described, "encoding", acceptedFiles(route))
		}
		content[media] = described
	}
	if len(content) == 0 {
		return nil
	}
	return object{"required": required, "content": content}
}

// acceptedFiles returns the accepted media types of a form's files, by field.
func acceptedFiles(route Route) object {
	files := object{}
	for _, field := range route.bind.fields[tagForm] {
		if isFile(field.Type) && field.Tag.Get(acceptTag) != "" {
			files[field.name] = object{"contentType": strings.Join(acceptedTypes(field), ", ")}
		}
	}
	return files
}

// body describes the fields of the body. Other fields are allowed only in a form,
// because OAuth2 clients may add some.
func (d *document) body(route Route, tag string) object {
	name := typeName(route.in)
	if tag == tagForm && name != "" {
		name += "Form"
	}
	return d.component(name, typeUse{route.in, asInput}, func() object {
		nullable := func(field field) bool { return tag == tagJSON && route.bind.nullable(field) }
		return d.object(route.in, route.bind.fields[tag], asInput, tag == tagForm, nullable)
	})
}

var genericName = regexp.MustCompile(`^(\w+)\[.*?(\w+)\]$`)

// typeName is a type's name without its package. List[Note] becomes NoteList.
func typeName(t reflect.Type) string {
	return genericName.ReplaceAllString(t.Name(), "$2$1")
}
