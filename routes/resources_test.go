package routes_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

// These tests read the table and the document, so they also test resources that you
// add later.

const nobody = "01900000-0000-7000-8000-000000000000"

// resource is what the document does not say about a resource.
type resource struct {
	input func(t *testing.T, app *apptest.App, bearer []string) map[string]any // the smallest valid one, if a rule is not in the schema
	order string                                                               // why its list is not newest first
	skip  string                                                               // why these tests leave it out
}

// collection is a resource as the document describes it.
type collection struct {
	path      string
	access    string // of its POST
	owned     bool   // by the user who creates it: its answer embeds models.Owned
	list, one *openapi3.PathItem
	others    map[string]collection // by a field that refers to it, such as note_id
}

// collections are the resources that a user can create, list and show.
func collections(t *testing.T) (all []collection) {
	t.Helper()
	return slices.DeleteFunc(allCollections(t), func(c collection) bool { return c.access != "user" })
}

// allCollections also has the resources that only an admin can create.
func allCollections(t *testing.T) (all []collection) {
	t.Helper()
	paths, byField := described(t).Paths, map[string]collection{}
	for _, route := range table() {
		one := paths.Find(route.Path + "/{id}")
		if route.Access.Public() || route.Method != "POST" || one == nil || one.Get == nil || ownResources[route.Path].skip != "" {
			continue
		}
		this := collection{route.Path, route.Access.Name, isOwned(route.Answer()), paths.Find(route.Path), one, byField}
		shown := createdSchema(this.list.Post)
		if shown == "" || this.list.Post.RequestBody.Value.Content.Get("application/json") == nil {
			continue
		}
		name := camel.ReplaceAllString(shown[strings.LastIndex(shown, "/")+1:], "${1}_$2")
		byField[strings.ToLower(name)+"_id"] = this
		all = append(all, this)
	}
	return all
}

// isOwned tells by the type of a row whether it belongs to a user.
func isOwned(row reflect.Type) bool {
	return row != nil && row.Kind() == reflect.Struct && slices.ContainsFunc(reflect.VisibleFields(row), func(field reflect.StructField) bool {
		return field.Anonymous && field.Type == reflect.TypeFor[models.Owned]()
	})
}

// createdSchema is the name of the schema that a POST answers with, "" without one.
func createdSchema(post *openapi3.Operation) string {
	for _, status := range []int{201, 200} {
		if answer := post.Responses.Status(status); answer != nil && answer.Value.Content.Get("application/json") != nil {
			return answer.Value.Content.Get("application/json").Schema.Ref
		}
	}
	return ""
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

func (c collection) schema() *openapi3.Schema {
	return c.list.Post.RequestBody.Value.Content.Get("application/json").Schema.Value
}

// minimal is the smallest valid input, with the rows that it refers to.
func (c collection) minimal(t *testing.T, app *apptest.App, bearer []string) map[string]any {
	t.Helper()
	if own := ownResources[c.path]; own.input != nil {
		return own.input(t, app, bearer)
	}
	members := map[string]any{}
	for _, name := range c.schema().Required {
		if other, refers := c.others[name]; refers {
			maker := bearer
			if other.access != c.access {
				maker = app.Admin(fmt.Sprintf("root%d@example.com", examples.Add(1)))
			}
			members[name] = other.make(t, app, maker).Field("id")
		} else {
			members[name] = example(c.schema().Properties[name].Value)
		}
	}
	return members
}

// make creates a row.
func (c collection) make(t *testing.T, app *apptest.App, bearer []string) kit.Answer {
	t.Helper()
	body := c.minimal(t, app, bearer)
	answer := app.Post(c.path, text(body), bearer...)
	if answer.Status != 201 && answer.Status != 200 {
		t.Fatalf("POST %s %s, the smallest input that the document allows, is answered %d %s: correct the rules, or give an input in ownResources of routes/own_test.go", c.path, text(body), answer.Status, answer.Body)
	}
	return answer
}

// has reports whether an operation has a parameter.
func has(operation *openapi3.Operation, in, name string) bool {
	return operation != nil && operation.Parameters.GetByInAndName(in, name) != nil
}

// examples counts the examples.
var examples atomic.Int64

// example is a value that a schema allows. It differs each time if possible,
// because a field may be unique.
func example(schema *openapi3.Schema) any {
	n := examples.Add(1)
	switch {
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is("string"):
		formats := map[string]string{
			"date-time": "2026-11-23T12:00:00Z", "email": fmt.Sprintf("ada%d@example.com", n),
			"uuid": fmt.Sprintf("01900000-0000-7000-8000-%012x", n),
		}
		if known := formats[schema.Format]; known != "" {
			return known
		}
		word := strconv.FormatInt(n, 36)
		if schema.MaxLength != nil {
			word = word[max(0, len(word)-int(*schema.MaxLength)):] //nolint:gosec // a short word
		}
		return strings.Repeat("0", max(0, int(schema.MinLength)-len(word))) + word //nolint:gosec // a short word
	case schema.Type.Is("object"):
		return map[string]any{}
	case schema.Type.Is("array"):
		return []any{}
	case schema.Type.Is("boolean"):
		return true
	}
	least, most := 0.0, 1e6
	switch {
	case schema.Min != nil && schema.Max != nil:
		least, most = *schema.Min, *schema.Max
	case schema.Min != nil:
		least, most = *schema.Min, *schema.Min+most
	case schema.Max != nil:
		least, most = *schema.Max-most, *schema.Max
	}
	return least + math.Mod(float64(n), most-least+1)
}

// text is a value as JSON.
func text(value any) string {
	written, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(written)
}

// long is a JSON string with a number of characters.
func long(characters int) string { return text(strings.Repeat("ä", characters)) }

// fieldCase is a JSON value that a field accepts or refuses. none leaves the field
// out.
type fieldCase struct {
	field, value string
	taken        bool
}

const (
	taken   = true
	refused = false
	none    = ""
)

// checkFields creates a row with each value, and changes a row to it.
func checkFields(t *testing.T, path string, cases []fieldCase) {
	t.Helper()
	app := apptest.New(t)
	bearer := app.Admin("ada@example.com")
	for _, c := range allCollections(t) {
		if c.path != path {
			continue
		}
		kept := c.make(t, app, bearer)
		for _, is := range cases {
			body := c.minimal(t, app, bearer)
			body[is.field] = json.RawMessage(is.value)
			if is.value == none {
				delete(body, is.field)
			}
			check := func(status int, answer kit.Answer) {
				t.Helper()
				says, code := `"`+is.field+`":`+is.value, ""
				if !is.taken {
					status, says, code = 422, `{"field":"`+is.field+`"`, "validation_failed"
				}
				if answer.Status != status || !is.taken && answer.Field("code") != code || !strings.Contains(answer.Body, says) {
					t.Errorf("%s of %.40s is answered %d %.300s, want %d with %.100s", is.field, is.value, answer.Status, answer.Body, status, says)
				}
			}
			made := app.Post(path, text(body), bearer...)
			if absent := is.value == `null` && !is.taken && !slices.Contains(c.schema().Required, is.field); absent {
				made.Want(t, 201, "") // null is refused only as a change
			} else {
				check(201, made)
			}
			if is.value != none {
				app.Do("DELETE", path+"/"+made.Field("id"), nil, bearer...) // a unique value is free again
				change := `{"` + is.field + `":` + is.value + `}`
				check(200, app.Do("PATCH", path+"/"+kept.Field("id"), strings.NewReader(change), bearer...))
			}
		}
		return
	}
	t.Fatalf("nobody can POST to %s", path)
}

func TestAResourceIsCreatedShownAndDeleted(t *testing.T) {
	app, bearer, _ := session(t)
	for _, c := range collections(t) {
		t.Run(c.path, func(t *testing.T) {
			made := c.make(t, app, bearer)
			path := c.path + "/" + made.Field("id")
			if at := made.Header.Get("Location"); made.Status == 201 && at != path {
				t.Errorf("Location is %q, want %q", at, path)
			}
			if shown := app.Get(path, bearer...).Want(t, 200, ""); shown.Body != made.Body || shown.Header.Get("ETag") != made.Header.Get("ETag") {
				t.Errorf("made as %s, shown as %s", made.Body, shown.Body)
			}
			for _, field := range []string{"id", "created_at", "updated_at", "owner_id"} {
				body := c.minimal(t, app, bearer)
				body[field] = nobody
				app.Post(c.path, text(body), bearer...).Want(t, 422, "validation_failed")
			}
			for _, method := range []string{"GET", "PATCH", "DELETE"} {
				if c.one.GetOperation(method) != nil {
					app.Do(method, c.path+"/"+nobody, strings.NewReader("{}"), bearer...).Want(t, 404, "not_found")
				}
			}
			if c.one.Delete != nil {
				app.Do("DELETE", path, nil, bearer...).Want(t, 204, "")
				app.Get(path, bearer...).Want(t, 404, "not_found")
			}
		})
	}
}

func TestOnlyTheOwnerReachesARow(t *testing.T) {
	app, ada, _ := session(t)
	app.Register("bob@example.com")
	bob := app.Login("bob@example.com")
	for _, c := range collections(t) {
		if !c.owned {
			continue
		}
		t.Run(c.path, func(t *testing.T) {
			hers, his := c.make(t, app, ada), c.make(t, app, bob)
			for _, method := range []string{"GET", "PATCH", "PUT", "DELETE"} {
				if c.one.GetOperation(method) != nil {
					app.Do(method, c.path+"/"+hers.Field("id"), strings.NewReader("{}"), bob...).Want(t, 404, "not_found")
				}
			}
			if list := app.Get(c.path, bob...).Body; strings.Contains(list, hers.Field("id")) || !strings.Contains(list, his.Field("id")) {
				t.Errorf("he lists %s", list)
			}
			for field, other := range c.others {
				if c.schema().Properties[field] == nil || other.access != "user" {
					continue
				}
				body, change := c.minimal(t, app, bob), map[string]any{field: other.make(t, app, ada).Field("id")}
				body[field] = change[field]
				app.Post(c.path, text(body), bob...).Want(t, 422, "validation_failed")
				if c.one.Patch != nil {
					app.Do("PATCH", c.path+"/"+his.Field("id"), strings.NewReader(text(change)), bob...).Want(t, 422, "validation_failed")
				}
				if has(c.list.Get, "query", field) {
					list := app.Get(fmt.Sprintf("%s?%s=%s", c.path, field, change[field]), bob...).Want(t, 200, "").Body
					if !strings.Contains(list, `"items":[]`) {
						t.Errorf("he lists %s of her rows", list)
					}
				}
			}
			if now := app.Get(c.path+"/"+hers.Field("id"), ada...).Want(t, 200, ""); now.Body != hers.Body {
				t.Errorf("hers was %s and is %s", hers.Body, now.Body)
			}
		})
	}
}

func TestIfMatchNamesTheVersionToChange(t *testing.T) {
	app, bearer, _ := session(t)
	for claim, is := range map[string]struct {
		ifMatch string // {old} and {new} are versions of it
		status  int
	}{
		"the newest":              {`{new}`, 200},
		"one of many":             {`"x", {new}`, 200},
		"any":                     {`*`, 200},
		"the one before":          {`{old}`, 412},
		"another":                 {`"x"`, 412},
		"a weak one from a proxy": {`W/{new}`, 200},
		"the one before, weak":    {`W/{old}`, 412},
		"one without a quote":     {`x`, 412},
	} {
		for _, c := range collections(t) {
			if !has(c.one.Patch, "header", "If-Match") {
				continue
			}
			t.Run(c.path+" "+claim, func(t *testing.T) {
				made := c.make(t, app, bearer)
				path, old := c.path+"/"+made.Field("id"), made.Header.Get("ETag")
				current := app.Do("PATCH", path, strings.NewReader("{}"), bearer...).Want(t, 200, "").Header.Get("ETag")
				app.Get(path, append([]string{"If-None-Match", current}, bearer...)...).Want(t, 304, "")
				app.Get(path, append([]string{"If-None-Match", old}, bearer...)...).Want(t, 200, "")
				if read := app.Get(path, bearer...).Header.Get("ETag"); read != current || read == old || read == "" {
					t.Errorf("version %s before the change, %s after it, %s as read", old, current, read)
				}
				code := map[int]string{412: "precondition_failed"}[is.status]
				headers := append([]string{"If-Match", strings.NewReplacer("{old}", old, "{new}", current).Replace(is.ifMatch)}, bearer...)
				changed := app.Do("PATCH", path, strings.NewReader("{}"), headers...).Want(t, is.status, code)
				if is.status == 412 {
					app.Do("DELETE", path, nil, headers...).Want(t, 412, code)
					app.Get(path, bearer...).Want(t, 200, "")
					return
				}
				headers[1] = strings.ReplaceAll(headers[1], current, changed.Header.Get("ETag"))
				app.Do("DELETE", path, nil, headers...).Want(t, 204, "")
			})
		}
	}
}

func TestOneOfManyConcurrentChangesSucceeds(t *testing.T) {
	app, bearer, _ := session(t)
	for _, c := range collections(t) {
		if !has(c.one.Patch, "header", "If-Match") {
			continue
		}
		made := c.make(t, app, bearer)
		headers := append([]string{"If-Match", made.Header.Get("ETag")}, bearer...)
		var changed atomic.Int32
		var do []func()
		for range 20 {
			do = append(do, func() {
				if app.Do("PATCH", c.path+"/"+made.Field("id"), strings.NewReader("{}"), headers...).Status == 200 {
					changed.Add(1)
				}
			})
		}
		together(do...)
		if changed.Load() != 1 {
			t.Errorf("%s: %d were made", c.path, changed.Load())
		}
	}
}

func TestListsAreNewestFirstAndStableWhileTheyGrow(t *testing.T) {
	app, bearer, _ := session(t)
	for _, c := range collections(t) {
		if !has(c.list.Get, "query", "cursor") || ownResources[c.path].order != "" {
			continue
		}
		var made, listed []string
		for range 7 {
			made = append([]string{c.make(t, app, bearer).Field("id")}, made...)
		}
		for query := "?limit=3"; query != ""; {
			page := app.Get(c.path+query, bearer...).Want(t, 200, "")
			for _, item := range strings.Split(page.Body, `{"id":"`)[1:] {
				listed = append(listed, item[:len(nobody)])
			}
			query = ""
			if cursor := page.Field("next_cursor"); cursor != "" {
				query = "?limit=3&cursor=" + cursor
				c.make(t, app, bearer)
			}
		}
		if strings.Join(listed, " ") != strings.Join(made, " ") {
			t.Errorf("%s: made %v, listed %v", c.path, made, listed)
		}
	}
}

// The session is cached when another process deletes the user.
func TestARowIsNotCreatedForADeletedUser(t *testing.T) {
	for _, c := range collections(t) {
		refers := func(name string) bool { return c.others[name].path != "" } // to a row that is deleted too
		if !c.owned || slices.ContainsFunc(c.schema().Required, refers) {
			continue
		}
		app, bearer, _ := session(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
		body := text(c.minimal(t, app, bearer))
		app.DB.Delete(app.User("ada@example.com"))
		app.Post(c.path, body, bearer...).Want(t, 401, "token_revoked")
	}
}

// A row that may have no owner, such as an event, outlives its owner.
func TestRowsAreDeletedWithTheirOwner(t *testing.T) {
	app, bearer, _ := session(t)
	for _, c := range collections(t) {
		c.make(t, app, bearer)
	}
	id := app.User("ada@example.com").ID
	app.Do("POST", "/me/delete", strings.NewReader(`{"current_password":"`+apptest.Password+`"}`), bearer...).Want(t, 204, "")
	tables, err := app.DB.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		columns, err := app.DB.Migrator().ColumnTypes(table)
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range columns {
			outlives, _ := column.Nullable()
			if !slices.Contains([]string{"owner_id", "user_id"}, column.Name()) || outlives {
				continue
			}
			var left int64
			if app.DB.Table(table).Where(column.Name()+" = ?", id).Count(&left); left != 0 {
				t.Errorf("%d of %s are left", left, table)
			}
		}
	}
}

// handedOut are secrets that a client must receive.
var handedOut = []string{
	"Token.access_token", "Token.refresh_token", "Token.token_type",
	"Metadata.token_endpoint", "Metadata.token_endpoint_auth_methods_supported",
	handedOutByTOTP,
}

func TestNoAnswerHasASecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)passw|secret|hash|token|private`)
	var walk func(of string, schema *openapi3.SchemaRef, depth int)
	walk = func(of string, schema *openapi3.SchemaRef, depth int) {
		if schema == nil || depth > 8 {
			return
		}
		if schema.Ref != "" {
			of = schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]
		}
		for name, property := range schema.Value.Properties {
			if secret.MatchString(name) && !slices.Contains(handedOut, of+"."+name) {
				t.Errorf("%s shows %s", of, name)
			}
			walk(of+"."+name, property, depth+1)
		}
		walk(of, schema.Value.Items, depth+1)
		for _, part := range append(schema.Value.AnyOf, schema.Value.AllOf...) {
			walk(of, part, depth+1)
		}
	}
	for _, item := range described(t).Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				for _, content := range response.Value.Content {
					walk("an answer", content.Schema, 0)
				}
			}
		}
	}
}

// described is the parsed document.
func described(t *testing.T) *openapi3.T {
	t.Helper()
	read, err := openapi3.NewLoader().LoadFromData(document(t))
	if err != nil {
		t.Fatal(err)
	}
	return read
}
