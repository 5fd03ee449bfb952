package endpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/endpoint"
)

type place struct {
	X int  `json:"x" binding:"required"`
	Y *int `json:"y" binding:"required"`
}

type sized struct {
	Large int `json:"large" binding:"required,min=1"`
}

type inner struct {
	Deep bool `json:"deep" binding:"required"`
}

type outer struct {
	inner
	Count  int              `json:"count" binding:"required"`
	Few    uint8            `json:"few" binding:"required,max=3"`
	Part   float64          `json:"part" binding:"required"`
	Done   bool             `json:"done" binding:"required"`
	Due    time.Time        `json:"due" binding:"required"`
	Until  time.Time        `json:"until" binding:"required,gtefield=Due"`
	ID     uuid.UUID        `json:"id" binding:"required"`
	Text   string           `json:"text" binding:"required"`
	Tags   []string         `json:"tags" binding:"required"`
	Place  place            `json:"place" binding:"required"`
	Sized  sized            `json:"sized" binding:"required"`
	Free   struct{ A int }  `json:"free" binding:"required"`
	Nums   []int            `json:"nums" binding:"dive,required"`
	Places []place          `json:"places" binding:"dive"`
	ByName map[string]place `json:"by_name" binding:"dive,keys,max=3,endkeys,required"`
	With   int              `json:"with" binding:"required_with=Note"`
	Note   string           `json:"note"`
}

// zeros is an outer of which each required member is sent, and zero where that is allowed.
const zeros = `"deep":false,"count":0,"few":0,"part":0.0,"done":false,"due":"0001-01-01T00:00:00Z","until":"0001-01-01T00:00:00Z","id":"00000000-0000-0000-0000-000000000000",` +
	`"text":"x","tags":[],"place":{"x":0,"y":0},"sized":{"large":1},"free":{}`

func TestAZeroValueIsNotAMissingOne(t *testing.T) {
	route := endpoint.Public("POST", "/", "", func(context.Context, outer) (string, error) { return "taken", nil })
	missing := func(names ...string) string {
		return `"errors":[{"field":"` + strings.Join(names, `","message":"is a required field"},{"field":"`) + `","message":"is a required field"}]`
	}
	for claim, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"zeros":                            {zeros, 200, "taken"},
		"nothing":                          {``, 422, missing("count", "deep", "done", "due", "few", "free", "id", "part", "place", "sized", "tags", "text", "until")},
		"an empty text":                    {strings.Replace(zeros, `"x"`, `""`, 1), 422, missing("text")},
		"null":                             {strings.Replace(zeros, `"count":0`, `"count":null`, 1), 422, `{"field":"count","message":"must be a whole number that fits"}`},
		"a zero that breaks the next rule": {strings.Replace(zeros, `"large":1`, `"large":0`, 1), 422, `"errors":[{"field":"sized.large","message":"must be 1 or greater"}]`},
		"an empty object that lacks":       {strings.Replace(zeros, `"large":1`, ``, 1), 422, missing("sized.large")},
		"zeros of a list":                  {zeros + `,"nums":[0,1],"places":[{"x":0,"y":0}]`, 200, "taken"},
		"missing in a list":                {zeros + `,"places":[{"x":0,"y":0},{"x":0},{"y":0}]`, 422, missing("places[1].y", "places[2].x")},
		"null in a list":                   {zeros + `,"nums":[0,null]`, 422, missing("nums[1]")},
		"zeros of a map":                   {zeros + `,"by_name":{"a":{"x":0,"y":0}}`, 200, "taken"},
		"missing in a map":                 {zeros + `,"by_name":{"a":{"x":0,"y":0},"b":{"y":0}}`, 422, missing("by_name[b].x")},
		"an object of a map that is empty": {zeros + `,"by_name":{"b":{}}`, 422, missing("by_name[b].x", "by_name[b].y")},
		"a zero that another one requires": {zeros + `,"note":"x","with":0`, 200, "taken"},
		"and a missing one":                {zeros + `,"note":"x"`, 422, missing("with")},
		"a list that is none":              {zeros + `,"places":{"x":0},"with":1`, 422, `"errors":[{"field":"places","message":"must be a list"}]`},
	} {
		t.Run(claim, func(t *testing.T) {
			checkAnswer(t, call(route, "/", "{"+c.body+"}"), c.status, c.want)
		})
	}
}

func TestAZeroParameterIsNotAMissingOne(t *testing.T) {
	type in struct {
		ID    uuid.UUID `path:"id" binding:"required"`
		Page  int       `query:"page" binding:"required"`
		Sizes []int     `query:"size" binding:"dive,required"`
		Depth int       `header:"depth" binding:"required,max=3"`
		Done  bool      `json:"done" formData:"is_done" binding:"required"`
		Word  string    `json:"word" formData:"a_word" binding:"required"`
	}
	route := endpoint.Public("POST", "/:id", "", func(context.Context, in) (string, error) { return "taken", nil })
	const path = "/00000000-0000-0000-0000-000000000000"
	zero := []string{"Depth", "0"}
	checkAnswer(t, serveDocumented(t, route, path+"?page=0&size=0", mediaForm, "is_done=false&a_word=x", zero...), 200, "taken")
	checkAnswer(t, serveDocumented(t, route, path+"?page=0&size=0", mediaJSON, `{"done":false,"word":"x"}`, zero...), 200, "taken")
	checkAnswer(t, serveDocumented(t, route, path, mediaForm, "a_word="), 422, `"errors":[{"field":"a_word","message":"is a required field"},{"field":"depth","message":"is a required field"},{"field":"is_done","message":"is a required field"},{"field":"page","message":"is a required field"}]`)
}

// A Gin handler that binds by itself has Gin's own rule.
func TestAGinHandlerHasGinsOwnRule(t *testing.T) {
	route := endpoint.Gin("POST", "/", "", func(c *gin.Context) {
		c.String(http.StatusOK, fmt.Sprint(c.ShouldBindJSON(&place{})))
	})
	checkAnswer(t, call(route, "/", `{"x":0,"y":0}`), 200, "'required' tag")
	checkAnswer(t, call(route, "/", `{"x":1,"y":0}`), 200, "<nil>")
}
