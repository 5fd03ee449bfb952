package apptest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func (h *holder) aResourceIsCreatedShownAndDeleted(t *testing.T) {
	app, bearer := h.signedIn(t)
	for _, c := range h.collections() {
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

func (h *holder) onlyTheOwnerReachesARow(t *testing.T) {
	app, ada := h.signedIn(t)
	bob := app.running.User("bob@example.com")
	for _, c := range h.collections() {
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
				if c.schema().Properties[field] == nil || other.access != h.UserAccess {
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

func (h *holder) ifMatchNamesTheVersionToChange(t *testing.T) {
	app, bearer := h.signedIn(t)
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
		for _, c := range h.collections() {
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

func (h *holder) oneOfManyConcurrentChangesSucceeds(t *testing.T) {
	app, bearer := h.signedIn(t)
	for _, c := range h.collections() {
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
		Together(do...)
		if changed.Load() != 1 {
			t.Errorf("%s: %d were made", c.path, changed.Load())
		}
	}
}

func (h *holder) listsAreNewestFirstAndStableWhileTheyGrow(t *testing.T) {
	app, bearer := h.signedIn(t)
	for _, c := range h.collections() {
		if !has(c.list.Get, "query", "cursor") || h.Resources[c.path].Order != "" {
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

// The user may be cached when another process deletes it.
func (h *holder) aRowIsNotCreatedForADeletedUser(t *testing.T) {
	for _, c := range h.collections() {
		refers := func(name string) bool { return c.others[name].path != "" } // to a row that is deleted too
		if !c.owned || slices.ContainsFunc(c.schema().Required, refers) {
			continue
		}
		app, bearer := h.signedIn(t)
		body := text(c.minimal(t, app, bearer))
		app.running.Remove("ada@example.com")
		app.Post(c.path, body, bearer...).Want(t, 401, "token_revoked")
	}
}

// A row that may have no owner, such as an event, outlives its owner.
func (h *holder) rowsAreDeletedWithTheirOwner(t *testing.T) {
	app, bearer := h.signedIn(t)
	for _, c := range h.collections() {
		c.make(t, app, bearer)
	}
	id := app.running.Remove("ada@example.com")
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
