package apptest

import (
	"slices"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/latchkey/kit/endpoint"
)

// Rules are what Hold cannot read from the routes and the document of a program.
type Rules struct {
	Start func(t testing.TB) *App // with an empty database

	UserAccess string              // the name of the access of every user
	Public     []string            // all routes that need no user, such as POST /login
	HandedOut  []string            // the secrets that a client must receive, such as Token.access_token
	Resources  map[string]Resource // by the path of their list, such as /bookings
}

// Resource is what the document does not say about a resource.
type Resource struct {
	Input func(t *testing.T, app *App, bearer []string) map[string]any // the smallest valid one, if a rule is not in the schema
	Order string                                                       // why its list is not newest first
	Skip  string                                                       // why Hold leaves it out
}

type holder struct {
	Rules
	routes   []endpoint.Route
	text     []byte // of the document
	document *openapi3.T
}

func hold(t *testing.T, of Rules) (h *holder, app *App) {
	t.Helper()
	app = of.Start(t)
	text, err := app.program.document()
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return &holder{of, app.running.Routes, text, document}, app
}

// Hold walks all routes of a program, also those that are added later, and fails the test
// unless they keep what every route promises: who may call it, bad input, the versions,
// pages and owners of resources, and the document.
func Hold(t *testing.T, of Rules) {
	h, _ := hold(t, of)
	for _, walk := range []struct {
		claim string
		run   func(*testing.T)
	}{
		{"only these routes are public", h.onlyTheseRoutesArePublic},
		{"every protected route needs a token", h.everyProtectedRouteNeedsAToken},
		{"a body is read only after the token", h.aBodyIsReadOnlyAfterTheToken},
		{"every GET route answers HEAD", h.everyGetRouteAnswersHead},
		{"an optional member may be null", h.anOptionalMemberMayBeNull},
		{"a resource is created shown and deleted", h.aResourceIsCreatedShownAndDeleted},
		{"only the owner reaches a row", h.onlyTheOwnerReachesARow},
		{"if match names the version to change", h.ifMatchNamesTheVersionToChange},
		{"one of many concurrent changes succeeds", h.oneOfManyConcurrentChangesSucceeds},
		{"lists are newest first and stable while they grow", h.listsAreNewestFirstAndStableWhileTheyGrow},
		{"a row is not created for a deleted user", h.aRowIsNotCreatedForADeletedUser},
		{"rows are deleted with their owner", h.rowsAreDeletedWithTheirOwner},
		{"each example has the status of its answer", h.eachExampleHasTheStatusOfItsAnswer},
		{"every example matches its schema", h.everyExampleMatchesItsSchema},
		{"no answer has a secret", h.noAnswerHasASecret},
	} {
		t.Run(walk.claim, walk.run)
	}
}

func (h *holder) signedIn(t *testing.T) (app *App, bearer []string) {
	t.Helper()
	app = h.Start(t)
	return app, app.running.User("ada@example.com")
}

func (h *holder) protected() []endpoint.Route {
	return slices.DeleteFunc(slices.Clone(h.routes), func(route endpoint.Route) bool { return route.Access.Public() })
}

// Together runs functions at the same time.
func Together(do ...func()) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for _, one := range do {
		group.Go(func() {
			<-start
			one()
		})
	}
	close(start)
	group.Wait()
}
