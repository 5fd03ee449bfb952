package tests

import (
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
)

func TestANewPasswordIsNotAmongTheFirstGuesses(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Password.MinLength = 1 }) // a name may be short
	const email, common, ofEmail, ofService = "ada.lovelace@example.com", "must not be one of the most common passwords",
		"must not be the email, or its part before the @", "must not be the name of this service"
	admin := app.Admin(email)
	for claim, c := range map[string]struct{ password, message string }{
		"a common one":                      {"password1", common},
		"a common one in capitals":          {"SunShine1", common},
		"the email":                         {email, ofEmail},
		"the email, written in another way": {" ＡDA.Lovelace@Example.com.", ofEmail},
		"its part before the @":             {"Ada.Lovelace", ofEmail},
		"the name of the service":           {config.Realm + "-", ofService}, // the name itself may be a common password
		"that name in other words":          {strings.ToUpper(config.Realm[:1] + " " + config.Realm[1:]), ofService},
		"a longer one than a common one":    {"password1 and more", ""},
		"a longer one than the email":       {"x" + email, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			for path, body := range map[string]string{
				"/register":    `{"x":1,"email":"` + email + `","password":"` + c.password + `"}`,
				"/users":       `{"x":1,"email":"` + email + `","password":"` + c.password + `"}`,
				"/me/password": `{"x":1,"new_password":"` + c.password + `"}`,
			} {
				answer := app.Post(path, body, admin...).Want(t, 422, "validation_failed").Body
				if c.message != "" && !strings.Contains(answer, `password","message":"`+c.message+`"`) || c.message == "" && strings.Contains(answer, "must not be") {
					t.Errorf("%s answers %s, want %q", path, answer, c.message)
				}
				if !strings.Contains(answer, `{"field":"x"`) {
					t.Errorf("%s does not tell all faults: %s", path, answer)
				}
			}
		})
	}
}

func TestTheBlocklistCanBeTurnedOff(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Password.Blocklist = false })
	app.Post("/register", `{"email":"ada@example.com","password":"password1"}`).Want(t, 201, "")
}
