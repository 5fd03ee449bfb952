package endpoint_test

import (
	"context"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"

	"example.com/latchkey/kit/endpoint"
)

// takes makes a route with an input.
func takes[In any](path string) endpoint.Route {
	return endpoint.Public("POST", path, "", func(context.Context, In) (endpoint.None, error) { return endpoint.None{}, nil })
}

// answers makes a route with an answer.
func answers[Out any]() endpoint.Route {
	return endpoint.Public("GET", "/x", "", func(context.Context, endpoint.None) (out Out, err error) { return out, nil })
}

type embeddedBase struct {
	Name string `json:"name"`
}

type misspelt struct {
	Deep string `json:"deep" binding:"requird"`
}

type loop struct {
	Next *loop `json:"next"`
	Bad  bool  `json:"bad" binding:"omitempty,min=1"`
}

func TestAnInvalidRouteStopsTheStart(t *testing.T) {
	for claim, c := range map[string]struct {
		route endpoint.Route
		want  []string
	}{
		"a misspelt rule": {takes[struct {
			Title string `json:"title" binding:"requird,max=3"`
		}]("/x"), []string{"POST /x: ", "Undefined validation function 'requird' on field 'Title'"}},
		"values of a parameter that is not there": {takes[struct {
			Kind string `query:"kind"`
		}]("/x").Enum("knd", "a"), []string{"POST /x: has an Enum of knd, which is not a parameter of its input"}},
		"one in a struct of a list": {takes[struct {
			Lines []misspelt `json:"lines"`
		}]("/x"), []string{"POST /x: ", "misspelt", "'requird' on field 'Deep'"}},
		"one in a struct of a map of pointers": {takes[struct {
			Lines map[string]*misspelt `json:"lines"`
		}]("/x"), []string{"misspelt", "'requird' on field 'Deep'"}},
		"one in an embedded struct": {takes[struct{ misspelt }]("/x"), []string{"'requird' on field 'Deep'"}},
		"one after dive": {takes[struct {
			Tags []string `json:"tags" binding:"dive,mx=3"`
		}]("/x"), []string{"'mx' on field 'Tags'"}},
		"one between keys and endkeys": {takes[struct {
			Tags map[string]int `json:"tags" binding:"dive,keys,mx=3,endkeys,min=1"`
		}]("/x"), []string{"'mx' on field 'Tags'"}},
		"a rule for another type": {takes[struct {
			Done bool `json:"done" binding:"max=3"`
		}]("/x"), []string{"Done: ", "Bad field type bool"}},
		"one behind omitempty, in a recursive type": {takes[loop]("/x"), []string{"loop.Bad: ", "Bad field type bool"}},
		"a rule with a bad value": {takes[struct {
			Title *string `json:"title" binding:"omitempty,max=three"`
		}]("/x"), []string{"Title: ", "three"}},
		"dive into something that is not a list": {takes[struct {
			Title string `json:"title" binding:"dive,max=3"`
		}]("/x"), []string{"Title: ", "dive"}},
		"an embedded pointer": {takes[struct{ *embeddedBase }]("/x"), []string{"POST /x: ", "embeddedBase is an embedded pointer: embed the struct itself"}},
		"Gin's uri": {takes[struct {
			ID string `uri:"id"`
		}]("/x/:id"), []string{"POST /x/:id: ", ".ID has the tag uri of Gin's own binding: use path"}},
		"Gin's form": {takes[struct {
			Tag string `json:"tag" form:"tag"`
		}]("/x"), []string{".Tag has the tag form of Gin's own binding: use query or formData"}},
		"two fields of one name": {takes[struct {
			A string `query:"a"`
			B string `query:"a"`
		}]("/x"), []string{".B has the same query name as another field: a"}},
		"two headers of one name": {takes[struct {
			A string `header:"X-A"`
			B string `header:"x-a"`
		}]("/x"), []string{".B has the same header name as another field: X-A"}},
		"a parameter twice in a group":          {endpoint.Group("/projects/:id", []endpoint.Route{takes[endpoint.None]("/tasks/:id")})[0], []string{"POST /projects/:id/tasks/:id: ", "has the parameter id twice"}},
		"a parameter twice, with Gin's handler": {endpoint.Gin("GET", "/a/:id/:id", "", func(*gin.Context) {}), []string{"has the parameter id twice"}},
		"an input that is not a struct":         {takes[string]("/x"), []string{"string is not a struct"}},
		"an input that is a pointer":            {takes[*embeddedBase]("/x"), []string{"is not a struct"}},
		"a duration in a query": {takes[struct {
			Wait time.Duration `query:"wait"`
		}]("/x"), []string{".Wait is a time.Duration, which a query value cannot fill"}},
		"a struct in a form": {takes[struct {
			In embeddedBase `formData:"in"`
		}]("/x"), []string{".In is a endpoint_test.embeddedBase, which a formData value cannot fill"}},
		"a list of lists in a query": {takes[struct {
			In [][]string `query:"in"`
		}]("/x"), []string{".In is a [][]string, which a query value cannot fill"}},
		"bytes in a query": {takes[struct {
			In []byte `query:"in"`
		}]("/x"), []string{".In is a []uint8, which a query value cannot fill"}},
		"a list in a path": {takes[struct {
			In []string `path:"in"`
		}]("/x/:in"), []string{".In is a []string, but a path parameter has one value"}},
		"a file in JSON": {takes[struct {
			In *multipart.FileHeader `json:"in" formData:"in"`
		}]("/x"), []string{".In is a *multipart.FileHeader, which a formData value cannot fill"}},
		"a whole body that is text": {takes[struct {
			Body string `body:"*/*"`
		}]("/x"), []string{".Body is a string, but the whole body needs a []byte"}},
		"a whole body and other fields": {takes[struct {
			Body []byte `body:"*/*"`
			Name string `json:"name"`
		}]("/x"), []string{"has a field for the whole body and other fields of the body"}},
		"a duration in JSON": {takes[struct {
			Wait time.Duration `json:"wait"`
		}]("/x"), []string{"Wait: ", "a time.Duration is not a value of JSON: use whole seconds as an int"}},
		"an interface in JSON": {takes[struct {
			Error []error `json:"error"`
		}]("/x"), []string{"Error: ", "error is an interface"}},
		"a duration in an answer": {answers[struct {
			Wait *time.Duration `json:"wait"`
		}](), []string{"GET /x: ", ".Wait: a time.Duration is not a value of JSON"}},
		"a channel in a list of an answer":    {answers[[]struct{ C []chan int }](), []string{"GET /x: ", ".C: a chan int is not a value of JSON"}},
		"a function in a map of an answer":    {answers[map[string]func()](), []string{"a func() is not a value of JSON"}},
		"a complex number in an answer":       {answers[complex128](), []string{"a complex128 is not a value of JSON"}},
		"a map with struct keys in an answer": {answers[map[struct{ A int }]int](), []string{"is not a value of JSON"}},
		"a map with keys that are booleans":   {answers[map[bool]int](), []string{"map[bool]bool is not a value of JSON"}},
		"two members of one name": {answers[struct {
			A int `json:"B"`
			B int
		}](), []string{"cannot be JSON", `"B"`}},
	} {
		t.Run(claim, func(t *testing.T) {
			err := endpoint.CheckRoutes([]endpoint.Route{c.route})
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
}

// rich has rules of every kind.
type rich struct {
	Color string            `json:"color" binding:"omitempty,iscolor"`
	Other string            `json:"other" binding:"required_with=Color,nefield=Color"`
	Tags  map[string]string `json:"tags" binding:"max=3,dive,keys,alphanum,len=3,endkeys,required"`
	At    time.Time         `json:"at" binding:"required,gt"`
	Next  []rich            `json:"next" binding:"dive"`
	Any   map[string]any    `json:"any"`
	Even  *int              `json:"even" binding:"omitempty,even"`
}

// tree is a list of itself.
type tree []tree

type forest struct {
	Trees tree            `json:"trees"`
	Named map[string]tree `json:"named"`
}

// answer has types of every kind.
type answer struct {
	ByNumber map[int]*answer   `json:"by_number"`
	ByTime   map[time.Time]any `json:"by_time"`
	Hidden   chan int          `json:"-"`
}

func TestAValidRouteStarts(t *testing.T) {
	registerEven(t)
	for claim, route := range map[string]endpoint.Route{
		"a list of itself":      takes[forest]("/x"),
		"rules of every kind":   takes[rich]("/x"),
		"answers of every kind": answers[answer](),
	} {
		if _, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{route}); err != nil {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

// registerEven adds a validation as Gin's documentation does.
func registerEven(t *testing.T) {
	t.Helper()
	rules, ok := binding.Validator.Engine().(*validator.Validate)
	if !ok {
		t.Fatal("Gin has another engine")
	}
	if err := rules.RegisterValidation("even", func(field validator.FieldLevel) bool { return field.Field().Int()%2 == 0 }); err != nil {
		t.Fatal(err)
	}
}

func TestARegisteredValidationIsARule(t *testing.T) {
	registerEven(t)
	route := takes[struct {
		Counts []int `json:"counts" binding:"dive,even"`
	}]("/")
	checkAnswer(t, call(route, "/", `{"counts":[2,4]}`), 204, "")
	checkAnswer(t, call(route, "/", `{"counts":[2,3]}`), 422, `{"field":"counts[1]","message":"breaks the rule even"}`)
}

func TestARequiredObjectMustBeSent(t *testing.T) {
	route := takes[struct {
		In item `json:"in" binding:"required"`
	}]("/")
	checkAnswer(t, call(route, "/", `{"in":{"name":"a"}}`), 204, "")
	checkAnswer(t, call(route, "/", `{}`), 422, `{"field":"in","message":"is a required field"}`)
}

func TestGinsOwnBindingKeepsItsRules(t *testing.T) {
	type in struct {
		embeddedBase
		User string `form:"user" binding:"required,max=3"`
		Pass string `json:"pass" binding:"required"`
	}
	route := endpoint.Gin("POST", "/", "", func(c *gin.Context) {
		var bound in
		if err := c.ShouldBind(&bound); err != nil {
			c.String(400, err.Error())
			return
		}
		c.String(200, bound.User+bound.Name)
	})
	checkAnswer(t, call(route, "/", `{"User":"ada","name":"b","pass":"x"}`), 200, "adab")
	checkAnswer(t, call(route, "/", `{"User":"long"}`), 400, "Field validation for 'User' failed on the 'max' tag")
}

// shelf is a generic handler.
type shelf[T any] struct{}

func (shelf[T]) Index(context.Context, endpoint.None) ([]T, error) { return nil, nil }
func (*shelf[T]) Delete(context.Context, endpoint.None) (endpoint.None, error) {
	return endpoint.None{}, nil
}

func show[T any]() func(context.Context, endpoint.None) ([]T, error) {
	return func(context.Context, endpoint.None) ([]T, error) { return nil, nil }
}

func TestAGenericHandlerIsMountedForManyTypes(t *testing.T) {
	text, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{
		endpoint.Public("GET", "/v1/books", "", shelf[int]{}.Index),
		endpoint.Public("DELETE", "/v1/books/:id", "", new(shelf[int]).Delete),
		endpoint.Public("GET", "/v1/books/:id", "", show[int]()),
		endpoint.Public("GET", "/v1/films", "", shelf[string]{}.Index),
		endpoint.Public("DELETE", "/v1/films/:id", "", new(shelf[string]).Delete).TagText("The films of a library."),
		endpoint.Public("GET", "/v1/films/:id", "", show[string]()),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"booksIndex", "booksDelete", "booksShow", "filmsIndex", "filmsDelete", "filmsShow"} {
		if !strings.Contains(string(text), `"operationId":"`+id+`"`) {
			t.Errorf("no operationId is %s", id)
		}
	}
	if strings.Count(string(text), `"tags":["films"]`) != 3 {
		t.Errorf("the tags are not from the paths: %s", text)
	}
	if want := `[{"name":"books","description":"The routes of books."},{"name":"films","description":"The films of a library."}]`; !strings.Contains(string(text), want) {
		t.Errorf("no %s in %s", want, text)
	}
}

func TestTheNamesInAMapAreAnsweredInOrder(t *testing.T) {
	route := endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) (map[string]int, error) {
		return map[string]int{"to": 2, "from": 1, "at": 0}, nil
	})
	for range 20 { // because a random order is right once in six times
		checkAnswer(t, call(route, "/", ""), 200, `{"at":0,"from":1,"to":2}`)
	}
}
