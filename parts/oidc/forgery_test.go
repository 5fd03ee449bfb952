package oidc_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

// answers are answers of a provider to requests to its endpoints.
type answers = map[Endpoint]func(http.ResponseWriter, *http.Request) bool

// TestAForgeryChangesNothing has a case for each check of OpenID Connect Core 1.0, section
// 3.1.3.7, of RFC 9207, and of what a provider that is broken or hostile can answer.
func TestAForgeryChangesNothing(t *testing.T) {
	p, other := newFake(t), newFake(t)
	app := withProviders(t, map[string]*fakeProvider{"p": p})
	const denied, away = 401, 503
	closed, flooded := make(chan struct{}), new(atomic.Int64)
	close(closed)
	for claim, c := range map[string]struct {
		forgery Forgery
		status  int // 303: it is not a forgery
	}{
		"nothing":                         {Forgery{}, 303},
		"a list with this client":         {Forgery{IDToken: JSON{"aud": []string{ClientID}}}, 303},
		"this client as azp":              {Forgery{IDToken: JSON{"aud": []string{ClientID, "b"}, "azp": ClientID}}, 303},
		"an answer that takes a while":    {Forgery{Answer: answers{Token: Hold(closed)}}, 303},
		"an iss that was not announced":   {Forgery{Discovery: JSON{"authorization_response_iss_parameter_supported": Missing{}}}, 303},
		"another nonce":                   {Forgery{IDToken: JSON{"nonce": "x"}}, denied},
		"no nonce":                        {Forgery{IDToken: JSON{"nonce": Missing{}}}, denied},
		"a nonce in capitals":             {Forgery{IDToken: JSON{"nonce": Missing{}, "NONCE": "x"}}, denied},
		"another issuer":                  {Forgery{IDToken: JSON{"iss": other.URL}}, denied},
		"no issuer":                       {Forgery{IDToken: JSON{"iss": Missing{}}}, denied},
		"another audience":                {Forgery{IDToken: JSON{"aud": "x"}}, denied},
		"no audience":                     {Forgery{IDToken: JSON{"aud": []string{}}}, denied},
		"two audiences without azp":       {Forgery{IDToken: JSON{"aud": []string{ClientID, "b"}}}, denied},
		"another azp":                     {Forgery{IDToken: JSON{"azp": "x"}}, denied},
		"an expired token":                {Forgery{IDToken: JSON{"exp": 1}}, denied},
		"no end":                          {Forgery{IDToken: JSON{"exp": Missing{}}}, denied},
		"a token of the future":           {Forgery{IDToken: JSON{"nbf": 1 << 40}}, denied},
		"another access token":            {Forgery{IDToken: JSON{"at_hash": "x"}}, denied},
		"an empty subject":                {Forgery{User: JSON{"sub": ""}}, denied},
		"no subject":                      {Forgery{User: JSON{"sub": Missing{}}}, denied},
		"a subject of 10 KiB":             {Forgery{User: JSON{"sub": strings.Repeat("x", 10<<10)}}, denied},
		"a subject that is a number":      {Forgery{User: JSON{"sub": 7}}, denied},
		"no signature":                    {Forgery{Sign: p.Unsigned}, denied},
		"HS256 with the client's secret":  {Forgery{Sign: p.SignedWithSecret}, denied},
		"another key":                     {Forgery{Sign: p.SignedWithOtherKey}, denied},
		"an unknown kid":                  {Forgery{Sign: p.SignedWithUnknownID}, denied},
		"another provider's signature":    {Forgery{Sign: other.Signed}, denied},
		"no ID token":                     {Forgery{Token: JSON{"id_token": Missing{}}}, denied},
		"an ID token that is a list":      {Forgery{Token: JSON{"id_token": []string{}}}, denied},
		"another iss beside the code":     {Forgery{Callback: JSON{"iss": other.URL}}, denied},
		"no iss, though it is announced":  {Forgery{Callback: JSON{"iss": Missing{}}}, denied},
		"an error beside the code":        {Forgery{Callback: JSON{"error": "access_denied"}}, denied},
		"another code":                    {Forgery{Callback: JSON{"code": "x"}}, denied},
		"no code":                         {Forgery{Callback: JSON{"code": Missing{}}}, denied},
		"UserInfo about somebody else":    {Forgery{IDToken: JSON{"email": Missing{}}, UserInfo: JSON{"sub": "x"}}, denied},
		"500 for a code":                  {Forgery{Answer: answers{Token: Status(500)}}, away},
		"500 for the keys":                {Forgery{Answer: answers{Keys: Status(500)}}, away},
		"500 for UserInfo":                {Forgery{IDToken: JSON{"email": Missing{}}, Answer: answers{UserInfo: Status(500)}}, away},
		"a redirect for a code":           {Forgery{Answer: answers{Token: Redirect(other.URL + "/token")}}, away},
		"a redirect for the keys":         {Forgery{Answer: answers{Keys: Redirect(other.URL + "/jwks")}}, away},
		"a redirect for UserInfo":         {Forgery{IDToken: JSON{"email": Missing{}}, Answer: answers{UserInfo: Redirect(other.URL + "/userinfo")}}, away},
		"100 MiB for a code":              {Forgery{Answer: answers{Token: Flood(flooded)}}, away},
		"100 MiB for the keys":            {Forgery{Answer: answers{Keys: Flood(flooded)}}, away},
		"100 MiB for UserInfo":            {Forgery{IDToken: JSON{"email": Missing{}}, Answer: answers{UserInfo: Flood(flooded)}}, away},
		"a client secret that is refused": {Forgery{Answer: answers{Token: Status(401)}}, away},
	} {
		t.Run(claim, func(t *testing.T) {
			app := app
			if len(c.forgery.Answer)+len(c.forgery.Discovery) > 0 { // the keys and the metadata are kept
				app = withProviders(t, map[string]*fakeProvider{"p": p})
			}
			before, redeemed := counts(app), len(p.Requests(Token))
			p.Forge(c.forgery)
			answer := newBrowser(t, app).logIn(appLogin("p"))
			if answer.Status != c.status || c.status != 303 && counts(app) != before {
				t.Errorf("answered %d %s, and %v is %v now", answer.Status, answer.Body, before, counts(app))
			}
			if isEarly := claim == "no code" || strings.Contains(claim, "iss ") || strings.Contains(claim, "iss,") || strings.Contains(claim, "error beside"); c.status == denied && isEarly && len(p.Requests(Token)) > redeemed {
				t.Error("the code was redeemed")
			}
			if strings.Contains(answer.Body, ClientSecret) || strings.Contains(app.Log.String(), ClientSecret) {
				t.Error("the client's secret is told")
			}
		})
	}
	if taken := flooded.Load(); taken > 60<<20 {
		t.Errorf("%d bytes were read", taken)
	}
	if len(other.Requests(Token))+len(other.Requests(Keys))+len(other.Requests(UserInfo)) > 0 {
		t.Error("a redirect was followed")
	}
	for _, request := range p.Requests(Token) {
		if len(request.Form.Get("code_verifier")) < 43 {
			t.Error("no verifier was sent")
		}
	}
}

func TestAProviderThatIsAwayIsAwayAlone(t *testing.T) {
	p, other := newFake(t), newFake(t)
	for claim, forgery := range map[string]Forgery{
		"500":                       {Answer: answers{Discovery: Status(500)}},
		"another issuer":            {Discovery: JSON{"issuer": other.URL}},
		"a redirect":                {Answer: answers{Discovery: Redirect(other.URL + string(Discovery))}},
		"100 MiB":                   {Answer: answers{Discovery: Flood(new(atomic.Int64))}},
		"an http endpoint":          {Discovery: JSON{"userinfo_endpoint": "http://example.com/user"}},
		"keys by http":              {Discovery: JSON{"jwks_uri": "http://example.com/jwks"}},
		"no endpoint":               {Discovery: JSON{"authorization_endpoint": Missing{}}},
		"an endpoint without a URL": {Discovery: JSON{"userinfo_endpoint": "javascript:x"}},
	} {
		t.Run(claim, func(t *testing.T) {
			p.Forge(forgery)
			app := withProviders(t, map[string]*fakeProvider{"p": p, "q": other})
			b := newBrowser(t, app)
			for range 2 {
				if got := b.get(appLogin("p")); got.Status != 503 || got.Field("code") != "unavailable" || got.Header.Get("Retry-After") == "" || got.Header.Get("Set-Cookie") != "" {
					t.Errorf("answered %d %s %v", got.Status, got.Body, got.Header)
				}
			}
			app.Get("/readyz").Want(t, 200, "")
			b.logIn(appLogin("q")).Want(t, 303, "")
			p.Forge(Forgery{})
			b.logIn(appLogin("p")).Want(t, 303, "")
		})
	}
}

func TestLoginsAtTheSameTimeReadTheMetadataOnce(t *testing.T) {
	app, p := start(t)
	until := make(chan struct{})
	p.Forge(Forgery{Answer: answers{Discovery: Hold(until)}})
	get := func() { newBrowser(t, app).get(appLogin("p")).Want(t, 303, "") }
	kit.Together(get, get, get, func() {
		kit.Await(t, "the provider is asked", func() bool { return len(p.Requests(Discovery)) > 0 })
		close(until)
	})
	if read := len(p.Requests(Discovery)); read != 1 {
		t.Errorf("the metadata was read %d times", read)
	}
}

func TestAProviderMayChangeItsKeys(t *testing.T) {
	app, p := start(t)
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
	p.Rotate()
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
}

func TestOnlyTrueVerifiesAnEmail(t *testing.T) {
	for claim, c := range map[string]struct {
		forgery  Forgery
		verified bool
	}{
		"true":                    {Forgery{}, true},
		"true in UserInfo":        {Forgery{IDToken: JSON{"email": Missing{}, "email_verified": Missing{}}}, true},
		"only in the ID token":    {Forgery{IDToken: JSON{"email": Missing{}}, UserInfo: JSON{"email_verified": Missing{}}}, false},
		"only in UserInfo":        {Forgery{IDToken: JSON{"email_verified": Missing{}}}, false},
		"false":                   {Forgery{User: JSON{"email_verified": false}}, false},
		`"true"`:                  {Forgery{User: JSON{"email_verified": "true"}}, false},
		`"false"`:                 {Forgery{User: JSON{"email_verified": "false"}}, false},
		"1":                       {Forgery{User: JSON{"email_verified": 1}}, false},
		"null":                    {Forgery{User: JSON{"email_verified": nil}}, false},
		"[true]":                  {Forgery{User: JSON{"email_verified": []bool{true}}}, false},
		"nothing":                 {Forgery{User: JSON{"email_verified": Missing{}}}, false},
		"EMAIL_VERIFIED":          {Forgery{User: JSON{"email_verified": Missing{}, "EMAIL_VERIFIED": true}}, false},
		"true of ADA@EXAMPLE.COM": {Forgery{User: JSON{"email": "ADA@EXAMPLE.COM"}}, true},
	} {
		t.Run(claim, func(t *testing.T) {
			app, p := start(t)
			p.Forge(c.forgery)
			newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
			if got := app.User(ada).EmailVerified; got != c.verified {
				t.Errorf("verified: %t", got)
			}
		})
	}
	app := apptest.New(t, distrusting(newFake(t)))
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
	if app.User(ada).EmailVerified {
		t.Error("a provider is believed that is not trusted")
	}
}

func TestANameHasNoControlCharactersAndAtMost100Others(t *testing.T) {
	for said, want := range map[string]string{
		"Ada\x00 Love\x07lace":       "Ada Lovelace",
		" Ada \n Lovelace ":          "Ada Lovelace",
		"\U0001F469\u200d\U0001F4BB": "\U0001F469\u200d\U0001F4BB",
		strings.Repeat("ä", 101):     strings.Repeat("ä", 100),
	} {
		app, p := start(t)
		p.Forge(Forgery{User: JSON{"name": said}})
		newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
		if got := app.User(ada).Name; got == nil || *got != want {
			t.Errorf("%q is stored as %v, want %q", said, got, want)
		}
	}
}

func TestAnAccountNeedsAnEmail(t *testing.T) {
	app, p := start(t)
	for _, email := range []any{Missing{}, "", "ada", "@", "a b@example.com", strings.Repeat("x", 300) + "@example.com"} {
		p.Forge(Forgery{User: JSON{"email": email}})
		if got := newBrowser(t, app).logIn(appLogin("p")); got.Status != 403 || counts(app) != [3]int64{} {
			t.Errorf("%v: answered %d %s", email, got.Status, got.Body)
		}
	}
}
