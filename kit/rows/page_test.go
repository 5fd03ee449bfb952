package rows_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/rows"
)

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

// Person is a row.
type Person struct {
	rows.Base
	Email  string  `json:"email"`
	Secret string  `json:"-"`
	Role   string  `json:"role"`
	Name   *string `json:"name"`
}

var schema = database.Schema{{
	ID: "create_people",
	Migrate: func(tx *gorm.DB) error {
		type Person struct {
			ID        string    `gorm:"type:uuid;primaryKey"`
			CreatedAt time.Time `gorm:"not null"`
			Email     string    `gorm:"not null"`
			Secret    string    `gorm:"not null"`
			Role      string    `gorm:"not null"`
			Name      *string
		}
		return tx.Migrator().CreateTable(&Person{})
	},
}}

// program serves all people, sorted, at /people.
var program = apptest.NewProgram(schema, func() ([]byte, error) {
	return endpoint.Document(endpoint.Info{Title: "People", Version: "1"}, []endpoint.Route{listPeople(nil)})
})

// sorted is the input of a list that can be sorted.
type sorted struct {
	rows.Page
	Sort *string `query:"sort"`
}

func listPeople(db *gorm.DB) endpoint.Route {
	return endpoint.Public("GET", "/people", "List the people", func(ctx context.Context, in sorted) (rows.List[Person], error) {
		return rows.Read[Person](db.WithContext(ctx), in.By(in.Sort))
	})
}

func people(t *testing.T, names ...*string) *apptest.App {
	t.Helper()
	app := program.Start(t, program.MigratedDatabase(t), func(_ *slog.Logger, db *gorm.DB) (apptest.Running, error) {
		gin.SetMode(gin.ReleaseMode)
		engine, route := gin.New(), listPeople(db)
		engine.Handle(route.Method, route.Path, route.Handlers()...)
		return apptest.Running{Engine: engine}, nil
	})
	for _, name := range names {
		add(t, app, name)
	}
	return app
}

func add(t *testing.T, app *apptest.App, name *string) {
	t.Helper()
	var all int64
	err := app.DB.Model(&Person{}).Count(&all).Error
	if err == nil {
		err = app.DB.Create(&Person{Email: fmt.Sprintf("%d@example.com", all), Role: "user", Name: name}).Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// page reads one page of people, with their ids and names.
func page(t *testing.T, app *apptest.App, query url.Values) (ids, names []string, next string) {
	t.Helper()
	var list rows.List[Person]
	answer := app.Get("/people?"+query.Encode()).Want(t, 200, "")
	if err := json.Unmarshal([]byte(answer.Body), &list); err != nil {
		t.Fatal(err)
	}
	for _, user := range list.Items {
		name := "null"
		if user.Name != nil {
			name = *user.Name
		}
		ids, names = append(ids, user.ID.String()), append(names, name)
	}
	return ids, names, answer.Field("next_cursor")
}

var names = []*string{nil, new("b"), new(""), new("a"), nil, new("b"), new("ä"), nil, new("b")}

func TestASortedListHasEachRowOnceInBothDirections(t *testing.T) {
	app := people(t, names...)
	for _, sort := range []string{"name", "created_at", "email", "role", "id"} {
		t.Run(sort, func(t *testing.T) {
			walk := func(sort string) (all []string) {
				for query := (url.Values{"sort": {sort}, "limit": {"1"}}); ; {
					ids, _, next := page(t, app, query)
					if all = append(all, ids...); len(ids) != 1 {
						t.Fatalf("a page of %v", ids)
					}
					if next == "" {
						return all
					}
					query.Set("cursor", next)
				}
			}
			up, down := walk(sort), walk("-"+sort)
			if slices.Reverse(down); !slices.Equal(up, down) || len(up) != len(names) {
				t.Errorf("ascending %v, descending reversed %v", up, down)
			}
		})
	}
}

func TestASortedListIsInOrder(t *testing.T) {
	app := people(t, names[:6]...)
	for sort, want := range map[string]string{
		"name":        "|a|b|b|null|null",
		"-name":       "null|null|b|b|a|",
		"created_at":  "null|b||a|null|b",
		"-created_at": "b|null|a||b|null",
	} {
		if _, got, _ := page(t, app, url.Values{"sort": {sort}}); strings.Join(got, "|") != want {
			t.Errorf("%s is %v, want %s", sort, got, want)
		}
	}
}

func TestASortedListIsStableWhileItGrows(t *testing.T) {
	app := people(t, names...)
	for _, sort := range []string{"name", "-name", "created_at", "-created_at"} {
		var before []string
		app.DB.Model(&Person{}).Pluck("id", &before)
		seen := map[string]int{}
		for query, next := (url.Values{"sort": {sort}, "limit": {"2"}}), "first"; next != "" && len(seen) < 100; query.Set("cursor", next) {
			var ids []string
			if ids, _, next = page(t, app, query); len(seen) < len(before) {
				add(t, app, new("b"))
				add(t, app, nil)
			}
			for _, id := range ids {
				seen[id]++
			}
		}
		for _, id := range before {
			if seen[id] != 1 {
				t.Errorf("%s: %s is listed %d times", sort, id, seen[id])
			}
		}
	}
}

func TestAPageEndsAtOneMiB(t *testing.T) {
	const mib = 1 << 20
	long, tooLong := strings.Repeat("\x01", mib/24), strings.Repeat("\x01", mib/5) // six bytes each in JSON
	app := people(t, &long, &long, &tooLong, &long, &long, &long, &long, new("short"))
	for _, limit := range []string{"100", "4"} {
		var pages []int
		for query, next := (url.Values{"limit": {limit}}), "first"; next != ""; query.Set("cursor", next) {
			var ids []string
			ids, _, next = page(t, app, query)
			if pages = append(pages, len(ids)); len(pages) > len(names) {
				break
			}
			if size := len(app.Get("/people?" + query.Encode()).Body); size > mib && len(ids) > 1 {
				t.Errorf("a page of %d bytes", size)
			}
		}
		if want := []int{4, 1, 1, 2}; !slices.Equal(pages, want) {
			t.Errorf("with a limit of %s, the pages have %v items, want %v", limit, pages, want)
		}
	}
}

func TestACursorIsValidOnlyForItsOrder(t *testing.T) {
	app := people(t, names...)
	cursor := func(sort string) string {
		_, _, next := page(t, app, url.Values{"sort": {sort}, "limit": {"1"}})
		return next
	}
	made := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	const id = `"id":"01900000-0000-7000-8000-000000000000"`
	for claim, c := range map[string]struct{ sort, cursor, field string }{
		"the reverse's":             {"-name", cursor("name"), "cursor"},
		"another column's":          {"email", cursor("name"), "cursor"},
		"the unsorted list's":       {"name", cursor(""), "cursor"},
		"a sorted list's, unsorted": {"", cursor("name"), "cursor"},
		"none":                      {"name", "", "cursor"},
		"not JSON":                  {"name", made("name"), "cursor"},
		"without a value":           {"name", made(`{"sort":"name",` + id + `}`), "cursor"},
		"a value of another type":   {"created_at", made(`{"sort":"created_at","value":"x",` + id + `}`), "cursor"},
		"a value with NUL":          {"name", made(`{"sort":"name","value":"\u0000",` + id + `}`), "cursor"},
		"an invalid id":             {"name", made(`{"sort":"name","value":"a","id":"x"}`), "cursor"},
		"order by a hidden field":   {"secret", "", "sort"},
		"order by nothing":          {"-", "", "sort"},
	} {
		t.Run(claim, func(t *testing.T) {
			query := url.Values{"sort": {c.sort}}
			if c.field == "cursor" {
				query.Set("cursor", c.cursor)
			}
			if got := app.Get("/people?"+query.Encode()).Want(t, 422, ""); !strings.Contains(got.Body, `"field":"`+c.field+`"`) {
				t.Error(got.Body)
			}
		})
	}
}
