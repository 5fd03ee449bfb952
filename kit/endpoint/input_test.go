package endpoint_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/endpoint"
)

type lists struct {
	Tags  []string    `query:"tag" binding:"max=3"`
	Sizes []int       `query:"size" binding:"dive,min=1"`
	IDs   []uuid.UUID `query:"id"`
	Names []string    `header:"X-Names"`
	One   string      `query:"one"`
}

func TestAListIsANameGivenManyTimes(t *testing.T) {
	route := endpoint.Public("GET", "/", "", func(_ context.Context, in lists) (string, error) {
		return fmt.Sprintf("%q %v %v %q", in.Tags, in.Sizes, in.IDs, in.Names), nil
	})
	const id = "01900000-0000-7000-8000-000000000000"
	for claim, c := range map[string]struct {
		query, header string
		status        int
		want          string
	}{
		"none":                        {"", "", 200, `[] [] [] []`},
		"one":                         {"tag=a", "", 200, `[\"a\"] [] [] []`},
		"many, in their order":        {"tag=b&tag=a&size=2&size=1", "", 200, `[\"b\" \"a\"] [2 1] [] []`},
		"UUIDs":                       {"id=" + id + "&id=" + id, "", 200, "[" + id + " " + id + "]"},
		"a header's items":            {"", "a , b,c", 200, `[\"a\" \"b\" \"c\"]`},
		"one that is not of its type": {"size=1&size=x", "", 422, `{"field":"size[1]","message":"must be a whole number that fits"}`},
		"one that is not a UUID":      {"id=x", "", 422, `{"field":"id[0]"`},
		"one that is not UTF-8":       {"tag=a&tag=%ff", "", 422, `{"field":"tag[1]","message":"is not UTF-8"}`},
		"one with NUL":                {"tag=%00", "", 422, `{"field":"tag[0]","message":"must not hold the character U+0000"}`},
		"too many":                    {"tag=a&tag=b&tag=c&tag=d", "", 422, `{"field":"tag","message":"must contain at most 3 items"}`},
		"one that breaks a rule":      {"size=5&size=0", "", 422, `{"field":"size[1]","message":"must be 1 or greater"}`},
		"many values of a single one": {"one=a&one=b", "", 422, `{"field":"one","message":"is given more than once"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			var headers []string
			if c.header != "" {
				headers = []string{"X-Names", c.header}
			}
			checkAnswer(t, serveDocumented(t, route, "/?"+c.query, "", "", headers...), c.status, c.want)
		})
	}
}

type upload struct {
	Title    string                  `formData:"title" binding:"required,max=5"`
	Tags     []string                `formData:"tag"`
	Picture  *multipart.FileHeader   `formData:"picture" binding:"required" accept:"image/png,image/jpeg"`
	Pictures []*multipart.FileHeader `formData:"pictures" binding:"max=2" accept:"image/*"`
	Notes    *multipart.FileHeader   `formData:"notes"`
}

func sizes(_ context.Context, in upload) (string, error) {
	said := fmt.Sprintf("%s %q %s %d %d", in.Title, in.Tags, in.Picture.Filename, in.Picture.Size, len(in.Pictures))
	file, err := in.Picture.Open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return fmt.Sprintf("%s %x", said, sum.Sum(nil)), err
}

func TestMultipartForms(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 3<<16) // 3 MiB, of which the first is in memory
	title, picture := part{name: "title", content: "hey"}, part{"picture", "a.png", "image/png", "png"}
	checkNoFilesLeft(t)
	many := []part{title, picture}
	for i := range 10_000 {
		many = append(many, part{name: fmt.Sprint("n", i), content: "x"})
	}
	for claim, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"a file and a text":             {multipartForm(title, picture), 200, `hey [] a.png 3 0 ` + fmt.Sprintf("%x", sha256.Sum256([]byte("png")))},
		"lists":                         {multipartForm(title, picture, part{name: "tag", content: "a"}, part{name: "tag", content: "b"}, part{"pictures", "b", "image/gif", "x"}, part{"pictures", "c", "image/png", ""}), 200, `[\"a\" \"b\"] a.png 3 2`},
		"a file on the disk":            {multipartForm(title, part{"picture", "a.png", "image/png", large}), 200, fmt.Sprintf("a.png 3145728 0 %x", sha256.Sum256([]byte(large)))},
		"a file that is not known":      {multipartForm(title, picture, part{"else", "a", "a/b", large}), 200, "hey"},
		"no file chosen on a page":      {multipartForm(title, picture, part{name: "notes"}), 200, "hey"},
		"no file":                       {multipartForm(title), 422, `{"field":"picture","message":"is a required field"}`},
		"two files for one":             {multipartForm(title, picture, part{"picture", "b", "image/png", large}), 422, `{"field":"picture","message":"is given more than once"}`},
		"too many files":                {multipartForm(title, picture, part{"pictures", "b", "image/png", ""}, part{"pictures", "b", "image/png", ""}, part{"pictures", "b", "image/png", ""}), 422, `{"field":"pictures","message":"must contain at most 2 items"}`},
		"another type":                  {multipartForm(title, part{"picture", "a.svg", "image/svg+xml", large}), 422, `{"field":"picture","message":"must be a file of the type image/png or image/jpeg"}`},
		"another type in a list":        {multipartForm(title, picture, part{"pictures", "a", "text/html", ""}), 422, `{"field":"pictures[0]","message":"must be a file of the type image/*"}`},
		"a text for a file":             {multipartForm(title, part{name: "picture", content: "x"}), 422, `{"field":"picture","message":"must be a file"}`},
		"a file for a text":             {multipartForm(picture, part{"title", "a", "text/plain", "hey"}), 422, `{"field":"title","message":"must not be a file"}`},
		"a file name with NUL":          {multipartForm(title, part{"picture", "a\x00", "image/png", ""}), 400, "not well formed"},
		"a file name that is not UTF-8": {multipartForm(title, part{"picture", "a\xff", "image/png", ""}), 422, `{"field":"picture","message":"has a file name that is not UTF-8"}`},
		"a text twice":                  {multipartForm(title, title, picture), 422, `{"field":"title","message":"is given more than once"}`},
		"a text that breaks its rule":   {multipartForm(part{name: "title", content: "too long"}, part{"picture", "a", "image/png", large}), 422, `{"field":"title","message":"must be a maximum of 5 characters in length"}`},
		"another boundary":              {strings.ReplaceAll(multipartForm(title, picture), boundary, "other"), 400, "The form ended early, or is not well formed"},
		"no end":                        {strings.TrimSuffix(multipartForm(title, part{"picture", "a", "image/png", large}), "--limit--\r\n"), 400, "ended early"},
		"10,000 texts":                  {multipartForm(many...), 400, "The form has over 1,000 parts"},
		"nothing":                       {"", 400, "ended early"},
	} {
		t.Run(claim, func(t *testing.T) {
			checkAnswer(t, serveDocumented(t, endpoint.Public("POST", "/", "", sizes), "/", mediaPart, c.body), c.status, c.want)
		})
	}
	route := endpoint.Public("POST", "/", "", sizes)
	checkAnswer(t, serveDocumented(t, route, "/", "multipart/form-data", "x"), 400, "The form has no boundary")
	checkAnswer(t, serveDocumented(t, route, "/", mediaForm, "title=a"), 415, "Send the body as Content-Type: multipart/form-data")
}

func TestAFormHasTwoMediaTypes(t *testing.T) {
	type in struct {
		Name string `json:"name" formData:"username" binding:"required"`
	}
	route := endpoint.Public("POST", "/", "", func(_ context.Context, in in) (string, error) { return in.Name, nil })
	for media, body := range map[string]string{
		"multipart/form-data; boundary=limit":             multipartForm(part{name: "username", content: "ada"}),
		"application/x-www-form-urlencoded":               "username=ada",
		"application/x-www-form-urlencoded; charset=UTF8": "username=ada",
		"application/json; charset=utf8":                  `{"name":"ada"}`,
		"application/json; charset=UTF-8":                 `{"name":"ada"}`,
	} {
		checkAnswer(t, serveDocumented(t, route, "/", media, body), 200, `"ada"`)
	}
	checkAnswer(t, serveDocumented(t, route, "/", mediaPart, multipartForm()), 422, `{"field":"username","message":"is a required field"}`)
	checkAnswer(t, serveDocumented(t, route, "/", "application/merge-patch+json", "{}"), 415, "application/json or application/x-www-form-urlencoded or multipart/form-data")
}

func TestAPatchMayBeAMergePatch(t *testing.T) {
	type in struct {
		Name **string `json:"name"`
	}
	route := endpoint.Public("PATCH", "/", "", func(_ context.Context, in in) (bool, error) { return in.Name != nil && *in.Name == nil, nil })
	for _, media := range []string{"application/json", "application/merge-patch+json", "application/merge-patch+json; charset=utf-8"} {
		checkAnswer(t, serveDocumented(t, route, "/", media, `{"name":null}`), 200, "true")
	}
	checkAnswer(t, serveDocumented(t, route, "/", "text/plain", `{}`), 415, "application/json or application/merge-patch+json")
}

func TestABodyCanBeReadUnparsed(t *testing.T) {
	type hook struct {
		Signature string `header:"X-Signature"`
		Body      []byte `body:"application/json,image/*" binding:"required,max=20"`
	}
	type anything struct {
		Body []byte `body:"*/*"`
	}
	echo := func(body []byte) (string, error) { return fmt.Sprintf("%x", body), nil }
	hooks := endpoint.Public("POST", "/", "", func(_ context.Context, in hook) (string, error) { return echo(in.Body) })
	all := endpoint.Public("POST", "/", "", func(_ context.Context, in anything) (string, error) { return echo(in.Body) })
	for claim, c := range map[string]struct {
		route       endpoint.Route
		media, body string
		status      int
		want        string
	}{
		"each byte as sent":         {hooks, "application/json", "{ \"a\":\t1, \"a\":2}\n", 200, fmt.Sprintf("%x", "{ \"a\":\t1, \"a\":2}\n")},
		"not as JSON":               {hooks, "application/json", "\xff\x00{", 200, "ff007b"},
		"in any charset":            {hooks, "application/json; charset=latin1", "\xe4", 200, "e4"},
		"of a range":                {hooks, "image/png", "png", 200, fmt.Sprintf("%x", "png")},
		"of another type":           {hooks, "text/plain", "a", 415, "Send the body as Content-Type: application/json or image/*"},
		"of no type":                {hooks, "", "a", 415, "application/json or image/*"},
		"required":                  {hooks, "application/json", "", 422, `{"field":"body","message":"is a required field"}`},
		"of a length":               {hooks, "application/json", strings.Repeat("x", 21), 422, `"field":"body"`},
		"of any type":               {all, "x/y", "a", 200, "61"},
		"without a type":            {all, "", "a", 200, "61"},
		"an empty body of any type": {all, "x/y", "", 200, `""`},
	} {
		t.Run(claim, func(t *testing.T) {
			checkAnswer(t, serveDocumented(t, c.route, "/", c.media, c.body), c.status, c.want)
		})
	}
	checkAnswer(t, serveDocumented(t, all, "/", "x/y", "a", "Content-Encoding", "gzip"), 415, "without a Content-Encoding")
}

func TestAnIntegerAcceptsEveryWholeNumber(t *testing.T) {
	type cents int64
	type in struct {
		Int   int              `json:"int"`
		Small *int8            `json:"small"`
		Cents cents            `json:"cents"`
		Big   uint64           `json:"big"`
		Many  map[string][]int `json:"many"`
		Float float64          `json:"float"`
		Role  level            `json:"level"`
	}
	route := endpoint.Public("POST", "/", "", func(_ context.Context, in in) (string, error) {
		small := 0
		if in.Small != nil {
			small = int(*in.Small)
		}
		return fmt.Sprint(in.Int, small, in.Cents, in.Big, in.Many, in.Float, in.Role), nil
	})
	for body, want := range map[string]string{
		`{"int":1.0}`:                       `"1 0 0 0 map[] 0 0"`,
		`{"int":-1.50e1,"small":1e2}`:       `"-15 100 0 0 map[] 0 0"`,
		`{"int":100e-2,"cents":12.00}`:      `"1 0 12 0 map[] 0 0"`,
		`{"int":0e999999999,"cents":-0.0}`:  `"0 0 0 0 map[] 0 0"`,
		`{"int":9223372036854775807.0}`:     `"9223372036854775807 0 0 0 map[] 0 0"`,
		`{"int":-9.223372036854775808E+18}`: `"-9223372036854775808 0 0 0 map[] 0 0"`,
		`{"big":1.8446744073709551615e19}`:  `"0 0 0 18446744073709551615 map[] 0 0"`,
		`{"many":{"1e2":[1e1,2]}}`:          `"0 0 0 0 map[1e2:[10 2]] 0 0"`,
		`{"float":1.5e1}`:                   `"0 0 0 0 map[] 15 0"`,
		`{"level":"high"}`:                  `"0 0 0 0 map[] 0 1"`,
	} {
		checkAnswer(t, serveDocumented(t, route, "/", mediaJSON, body), 200, want)
	}
	for body, field := range map[string]string{
		`{"int":1.5}`:                    "int",
		`{"int":1e-1}`:                   "int",
		`{"int":9223372036854775808.0}`:  "int",
		`{"int":9007199254740993.5}`:     "int",
		`{"int":1e999999999}`:            "int",
		`{"int":1e99999999999999999999}`: "int",
		`{"small":1.28e2}`:               "small",
		`{"big":-1.0}`:                   "big",
		`{"cents":"1.0"}`:                "cents",
		`{"many":{"a":[1,0.5]}}`:         "many.a.1",
	} {
		checkAnswer(t, serveDocumented(t, route, "/", mediaJSON, body), 422, `{"field":"`+field+`","message":"must be a whole number that fits"}`)
	}
}

// level is a whole number that is written as a word.
type level int

func (l *level) UnmarshalText(text []byte) error {
	if string(text) == "high" {
		*l = 1
	}
	return nil
}

func (level) JSONSchemaBytes() ([]byte, error) { return []byte(`{"type":"string"}`), nil }

func TestAPathThatIsNotTextIsNotFound(t *testing.T) {
	route := endpoint.Public("GET", "/x/:name", "", func(_ context.Context, in struct {
		Name string `path:"name"`
		Word string `query:"word"`
		Tag  string `header:"X-Tag"`
	},
	) (string, error) {
		return in.Name, nil
	})
	for target, want := range map[string]int{"/x/a": 200, "/x/%c3%a4": 200, "/x/%ff": 404, "/x/a%00": 404, "/x/%c3": 404, "/x/a?word=%ff": 422, "/x/a?word=%00": 422} {
		if got := call(route, target, ""); got.Code != want {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	for _, value := range []string{"\xff", "a\x00"} {
		if got := call(route, "/x/a", "", "X-Tag", value); got.Code != 422 {
			t.Errorf("%q: %d %s", value, got.Code, got.Body)
		}
	}
}

func TestAPathMayHaveManySegments(t *testing.T) {
	route := endpoint.Public("GET", "/files/*path", "", func(_ context.Context, in struct {
		Path string `path:"path"`
	},
	) (string, error) {
		return in.Path, nil
	})
	checkAnswer(t, call(route, "/files/a/b", ""), 200, `"/a/b"`)
	plain := endpoint.Gin("GET", "/files/:name", "", func(c *gin.Context) { c.String(http.StatusOK, c.Param("name")) }).Produces("text/plain")
	checkAnswer(t, serveDocumented(t, plain, "/files/a", "", ""), 200, "a")
}
