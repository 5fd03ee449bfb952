package mail_test

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/mail"
)

// awayAndBack changes Ada's email, and changes it back.
func awayAndBack(t *testing.T, app *apptest.App) {
	t.Helper()
	bearer := app.Login("ada@example.com")
	for _, email := range []string{"eve@example.com", "ada@example.com"} {
		app.Post("/me/email", `{"current_password":"correct horse","email":"`+email+`"}`, bearer...).Want(t, 200, "")
	}
}

// A link works only while what its use changes is the same.
func TestALinkIsRefused(t *testing.T) {
	set := func(app *apptest.App, column string, value any) {
		app.DB.Model(&models.User{}).Where("email = 'ada@example.com'").Update(column, value)
	}
	for claim, c := range map[string]struct {
		before        func(t *testing.T, app *apptest.App, token string) string // returns the token to send
		reset, verify bool                                                      // whether it is then refused
	}{
		"used twice by a reset": {func(t *testing.T, app *apptest.App, token string) string {
			reset(app, token).Want(t, 204, "")
			return token
		}, true, false},
		"used twice by a verification": {func(t *testing.T, app *apptest.App, token string) string {
			verify(app, token).Want(t, 204, "")
			return token
		}, false, true},
		"after the password changed": {func(t *testing.T, app *apptest.App, token string) string {
			app.Post("/me/password", `{"current_password":"correct horse","new_password":"another horse"}`, app.Login("ada@example.com")...).Want(t, 204, "")
			return token
		}, true, false},
		"after the email changed": {func(_ *testing.T, app *apptest.App, token string) string {
			set(app, "email", "eve@example.com")
			return token
		}, true, true},
		"used twice by a verification, after the email changed and changed back": {func(t *testing.T, app *apptest.App, token string) string {
			verify(app, token).Want(t, 204, "")
			awayAndBack(t, app)
			return token
		}, false, true},
		"after the email changed and changed back": {func(t *testing.T, app *apptest.App, token string) string {
			awayAndBack(t, app)
			return token
		}, true, true},
		"while the account is disabled": {func(_ *testing.T, app *apptest.App, token string) string {
			set(app, "disabled", true)
			return token
		}, true, true},
		"after the account is deleted": {func(_ *testing.T, app *apptest.App, token string) string {
			app.DB.Delete(&models.User{}, "email = 'ada@example.com'")
			return token
		}, true, true},
		"of another user": {func(_ *testing.T, app *apptest.App, token string) string {
			app.Register("bob@example.com")
			raw, _ := base64.RawURLEncoding.DecodeString(token)
			copy(raw, app.User("bob@example.com").ID[:])
			return base64.RawURLEncoding.EncodeToString(raw)
		}, true, true},
		"that lives longer": {func(_ *testing.T, _ *apptest.App, token string) string {
			raw, _ := base64.RawURLEncoding.DecodeString(token)
			raw[20]++
			return base64.RawURLEncoding.EncodeToString(raw)
		}, true, true},
		"without its end":       {func(_ *testing.T, _ *apptest.App, token string) string { return token[:len(token)-1] }, true, true},
		"with more at its end":  {func(_ *testing.T, _ *apptest.App, token string) string { return token + "A" }, true, true},
		"that is another thing": {func(*testing.T, *apptest.App, string) string { return "x" }, true, true},
		"that is a refresh token": {func(_ *testing.T, app *apptest.App, _ string) string {
			_, refresh := app.Session("ada@example.com")
			return refresh
		}, true, true},
		"that is whole": {func(_ *testing.T, _ *apptest.App, token string) string { return token }, false, false},
	} {
		for kind, refused := range map[string]bool{"reset": c.reset, "verify": c.verify} {
			if strings.HasPrefix(claim, "used twice") && !refused {
				continue // it is about the other kind
			}
			t.Run(kind+" "+claim, func(t *testing.T) {
				t.Parallel()
				app, token := withMail(t)
				use := verify
				if kind == "reset" {
					token, use = resetToken(t, app), reset
				}
				answer := use(app, c.before(t, app, token))
				if !refused {
					answer.Want(t, 204, "")
				} else if answer.Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `"field":"token"`) {
					t.Error(answer.Body)
				}
			})
		}
	}
}

func TestALinkIsForOnePurpose(t *testing.T) {
	app, token := withMail(t)
	reset(app, token).Want(t, 422, "validation_failed")
	verify(app, resetToken(t, app)).Want(t, 422, "validation_failed")
}

func TestAnExpiredLinkIsRefused(t *testing.T) {
	app, token := withMail(t, func(s *config.Settings) {
		own := config.Of[mail.Settings](*s)
		own.ResetTTL, own.VerifyTTL = time.Nanosecond, time.Nanosecond
	})
	verify(app, token).Want(t, 422, "validation_failed")
	reset(app, resetToken(t, app)).Want(t, 422, "validation_failed")
}

// The last characters of a token have bits that are not a part of it.
func TestALinkWithAFlippedBitIsRefused(t *testing.T) {
	app, token := withMail(t)
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(token) {
		for bit := range 6 {
			flipped := []byte(token)
			flipped[i] = letters[strings.IndexByte(letters, token[i])^1<<bit]
			if answer := app.Serve("POST", "/email/verify", `{"token":"`+string(flipped)+`"}`, "Content-Type", "application/json"); answer.Status != 422 {
				t.Fatalf("%s for %s is answered %d", flipped, token, answer.Status)
			}
		}
	}
	verify(app, token).Want(t, 204, "")
}

// Also one that a former version made: the form of a token stays the same.
func TestALinkOfAPreviousSecretWorks(t *testing.T) {
	old, other := settings.NewSecret(), settings.NewSecret()
	app, _ := withMail(t, func(s *config.Settings) { s.JWT.PreviousSecrets = []settings.Secret{old} })
	user := app.User("ada@example.com")
	token := func(secret settings.Secret) string {
		payload := binary.BigEndian.AppendUint64(user.ID.Bytes(), uint64(time.Now().Add(time.Hour).Unix())) //nolint:gosec // after 1970
		return seal.Derive([]settings.Secret{secret}, "mail link").Sign(payload, "verify\x00", string(user.Email)+"\nfalse")
	}
	verify(app, token(other)).Want(t, 422, "validation_failed")
	verify(app, token(old)).Want(t, 204, "")
}

func TestALinkIsUsedByOneOfManyAtATime(t *testing.T) {
	app, _ := withMail(t)
	token := resetToken(t, app)
	statuses := make([]int, 8)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() { statuses[i] = reset(app, token).Status })
	}
	group.Wait()
	slices.Sort(statuses)
	if statuses[0] != 204 || statuses[1] != 422 {
		t.Errorf("answered %v", statuses)
	}
}
