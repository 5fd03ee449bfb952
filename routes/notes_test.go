package routes_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/latchkey/apptest"
)

func TestANoteIsWrittenReadChangedAndDeleted(t *testing.T) {
	app, bearer, _ := session(t)
	for claim, c := range map[string]struct {
		method, path, body string
		status             int
		code, says         string
	}{
		"written":                       {"POST", "/notes", `{"title":"Tea","body":"black"}`, 201, "", `"title":"Tea","body":"black"`},
		"written without a body":        {"POST", "/notes", `{"title":"Tea"}`, 201, "", `"body":""`},
		"not without a title":           {"POST", "/notes", `{"body":"black"}`, 422, "validation_failed", `"title"`},
		"not with an empty title":       {"POST", "/notes", `{"title":""}`, 422, "validation_failed", `"title"`},
		"a title of 200 characters":     {"POST", "/notes", `{"title":"` + strings.Repeat("ä", 200) + `"}`, 201, "", "ä"},
		"not one of 201":                {"POST", "/notes", `{"title":"` + strings.Repeat("ä", 201) + `"}`, 422, "validation_failed", `"title"`},
		"a body of 10,000 characters":   {"POST", "/notes", `{"title":"x","body":"` + strings.Repeat("ä", 10_000) + `"}`, 201, "", "ä"},
		"not one of 10,001":             {"POST", "/notes", `{"title":"x","body":"` + strings.Repeat("ä", 10_001) + `"}`, 422, "validation_failed", `"body"`},
		"not for another owner":         {"POST", "/notes", `{"title":"x","owner_id":"01900000-0000-7000-8000-000000000000"}`, 422, "validation_failed", `"owner_id"`},
		"shown":                         {"GET", "{note}", "", 200, "", `"title":"Milk","body":"two"`},
		"changed where it is said":      {"PATCH", "{note}", `{"title":"Tea"}`, 200, "", `"title":"Tea","body":"two"`},
		"changed to an empty body":      {"PATCH", "{note}", `{"body":""}`, 200, "", `"title":"Milk","body":""`},
		"changed in nothing":            {"PATCH", "{note}", `{}`, 200, "", `"title":"Milk","body":"two"`},
		"not to an empty title":         {"PATCH", "{note}", `{"title":""}`, 422, "validation_failed", `"title"`},
		"not to null, which is no text": {"PATCH", "{note}", `{"title":null}`, 422, "validation_failed", `{"field":"title","message":"must be a string"}`},
		"not where there is none":       {"PATCH", "/notes/01900000-0000-7000-8000-000000000000", `{}`, 404, "not_found", ""},
		"deleted":                       {"DELETE", "{note}", "", 204, "", ""},
		"not deleted where none is":     {"DELETE", "/notes/01900000-0000-7000-8000-000000000000", "", 404, "not_found", ""},
	} {
		t.Run(claim, func(t *testing.T) {
			note := "/notes/" + app.Post("/notes", `{"title":"Milk","body":"two"}`, bearer...).Want(t, 201, "").Field("id")
			path := strings.ReplaceAll(c.path, "{note}", note)
			answer := app.Do(c.method, path, strings.NewReader(c.body), bearer...).Want(t, c.status, c.code)
			if !strings.Contains(answer.Body, c.says) {
				t.Errorf("answered %s, want %s", answer.Body, c.says)
			}
			switch after := app.Get(note, bearer...); {
			case c.status == 204:
				after.Want(t, 404, "not_found")
			case c.method == "PATCH" && c.status == 200 && after.Body != answer.Body:
				t.Errorf("answered %s, kept %s", answer.Body, after.Body)
			case c.status >= 400 && !strings.Contains(after.Body, `"title":"Milk","body":"two"`):
				t.Errorf("refused, and kept %s", after.Body)
			}
		})
	}
}

func TestANoteChangesOnlyInTheVersionThatIfMatchNames(t *testing.T) {
	app, bearer, _ := session(t)
	for claim, c := range map[string]struct {
		ifMatch string // {old} and {new} are its versions
		status  int
	}{
		"the newest":          {`{new}`, 200},
		"one of many":         {`"x", {new}`, 200},
		"any":                 {`*`, 200},
		"one before":          {`{old}`, 412},
		"another's":           {`"x"`, 412},
		"a weak one":          {`W/{new}`, 412},
		"one without a quote": {`x`, 412},
	} {
		t.Run(claim, func(t *testing.T) {
			created := app.Post("/notes", `{"title":"Milk"}`, bearer...).Want(t, 201, "")
			note, old := "/notes/"+created.Field("id"), created.Header.Get("ETag")
			current := app.Do("PATCH", note, strings.NewReader(`{"title":"Tea"}`), bearer...).Want(t, 200, "").Header.Get("ETag")
			if read := app.Get(note, bearer...).Header.Get("ETag"); read != current || read == old || read == "" {
				t.Errorf("version %s before the change, %s after it, %s as read", old, current, read)
			}
			code := map[int]string{412: "precondition_failed"}[c.status]
			headers := append([]string{"If-Match", strings.NewReplacer("{old}", old, "{new}", current).Replace(c.ifMatch)}, bearer...)
			changed := app.Do("PATCH", note, strings.NewReader(`{"title":"Cake"}`), headers...).Want(t, c.status, code)
			if c.status == 412 {
				app.Do("DELETE", note, nil, headers...).Want(t, 412, code)
				app.Get(note, bearer...).Want(t, 200, "")
				return
			}
			headers[1] = strings.ReplaceAll(headers[1], current, changed.Header.Get("ETag"))
			app.Do("DELETE", note, nil, headers...).Want(t, 204, "")
		})
	}
}

func TestOfManyChangesOfOneVersionOneIsMade(t *testing.T) {
	app, bearer, _ := session(t)
	created := app.Post("/notes", `{"title":"Milk"}`, bearer...).Want(t, 201, "")
	headers := append([]string{"If-Match", created.Header.Get("ETag")}, bearer...)
	var made atomic.Int32
	var do []func()
	for i := range 20 {
		do = append(do, func() {
			if app.Do("PATCH", "/notes/"+created.Field("id"), strings.NewReader(fmt.Sprintf(`{"title":"%d"}`, i)), headers...).Status == 200 {
				made.Add(1)
			}
		})
	}
	together(do...)
	if made.Load() != 1 {
		t.Errorf("%d of them were made", made.Load())
	}
}

func TestNotesAreListedNewestFirstWhileOthersAreWritten(t *testing.T) {
	app, bearer, _ := session(t)
	write := func(title int) {
		app.Post("/notes", fmt.Sprintf(`{"title":"%d"}`, title), bearer...).Want(t, 201, "")
	}
	for i := range 7 {
		write(i)
	}
	var titles []string
	for path := "/notes?limit=3"; path != ""; {
		page := app.Get(path, bearer...).Want(t, 200, "")
		for _, part := range strings.Split(page.Body, `"title":"`)[1:] {
			titles = append(titles, part[:1])
		}
		path = ""
		if cursor := page.Field("next_cursor"); cursor != "" {
			path = "/notes?limit=3&cursor=" + cursor
			write(9)
		}
	}
	if got := strings.Join(titles, ""); got != "6543210" {
		t.Errorf("listed %s", got)
	}
}

func TestNotesGoWithTheirOwner(t *testing.T) {
	app, bearer, _ := session(t)
	app.Post("/notes", `{"title":"Milk"}`, bearer...).Want(t, 201, "")
	app.Do("DELETE", "/me", strings.NewReader(`{"current_password":"`+apptest.Password+`"}`), bearer...).Want(t, 204, "")
	var left int64
	if app.DB.Table("notes").Count(&left); left != 0 {
		t.Errorf("%d are left", left)
	}
}
