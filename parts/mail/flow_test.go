package mail_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/models"
)

func TestNobodysMailWaitsBehindAStrangers(t *testing.T) {
	app := apptest.New(t)
	for i := range 20 {
		app.Register(fmt.Sprint(i, "@example.com"))
		forgot(t, app, fmt.Sprint(i, "@example.com"))
	}
	app.Register("ada@example.com")
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, app.Login("ada@example.com")...).Want(t, 204, "")
	stopped, sent := make(chan struct{}), make(chan string, 100)
	work(t, app, func(_ context.Context, to models.Email, text string, _ any) error {
		if text == "reset" {
			<-stopped // a mail server that takes long
		}
		sent <- text + " to " + string(to)
		return nil
	})
	t.Cleanup(func() { close(stopped) })
	waiting := map[string]bool{"verify to ada@example.com": true, "password_changed to ada@example.com": true}
	for len(waiting) > 0 {
		delete(waiting, kit.Receive(t, "the mails of others are sent", sent))
	}
}

func TestOneMailOfAKindWaitsForAnAddress(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	for range 5 {
		forgot(t, app, "ada@example.com")
		app.Post("/me/email/verification", "", bearer...).Want(t, 202, "")
	}
	forgot(t, app, "bob@example.com")
	if jobs := kindsOfJobs(app); jobs["mail"] != 1 || jobs["forgotten mail"] != 2 {
		t.Errorf("%v wait", jobs)
	}
	app.RunJobs()
	app.NextMessage()
	app.NextMessage()
	noMail(t, app)
	app.Post("/me/email/verification", "", bearer...).Want(t, 202, "")
	verify(app, wantMail(t, app, "verify", "ada@example.com")).Want(t, 204, "")
}

// A thief who has the password cannot keep the owner from learning it, however late
// mails are sent.
func TestNoticesGoToTheAddressOfTheMoment(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
	app.Post("/me/email", `{"current_password":"battery staple","email":"eve@example.com"}`, bearer...).Want(t, 200, "")
	app.Post("/me/delete", `{"current_password":"battery staple"}`, bearer...).Want(t, 204, "")
	app.RunJobs()
	var got []string
	for range 3 {
		sent := app.NextMessage()
		got = append(got, fmt.Sprint(sent.Text, " to ", sent.To, " about ", contentOf(sent).Email, contentOf(sent).Link))
	}
	slices.Sort(got)
	if want := []string{
		"email_changed to ada@example.com about eve@example.com",
		"password_changed to ada@example.com about ada@example.com", "user_deleted to eve@example.com about eve@example.com",
	}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	noMail(t, app) // no link for an account that is gone
}

func TestADeletionByAnAdminIsToldUnlessTheAccountIsDisabled(t *testing.T) {
	app := apptest.New(t)
	root := app.Admin("root@example.com")
	for _, email := range []string{"ada@example.com", "eve@example.com"} {
		app.Register(email)
	}
	app.Do("PATCH", "/users/"+app.User("eve@example.com").ID.String(), strings.NewReader(`{"disabled":true}`), root...).Want(t, 200, "")
	for _, email := range []string{"ada@example.com", "eve@example.com"} {
		app.Do("DELETE", "/users/"+app.User(email).ID.String(), nil, root...).Want(t, 204, "")
	}
	app.RunJobs()
	var got []string
	for range 2 {
		sent := app.NextMessage()
		got = append(got, sent.Text+" to "+string(sent.To))
	}
	if slices.Sort(got); !slices.Equal(got, []string{"user_deleted to ada@example.com", "verify to root@example.com"}) {
		t.Errorf("%q", got)
	}
	noMail(t, app)
}

func TestMailsCountForAnAddressWhoseAccountIsGone(t *testing.T) {
	app := apptest.New(t)
	app.RunJobs()
	for i := range 20 {
		app.Register("ada@example.com")
		if i < 3 {
			wantMail(t, app, "verify", "ada@example.com")
		}
		noMail(t, app)
		app.Post("/me/delete", `{"current_password":"correct horse"}`, app.Login("ada@example.com")...).Want(t, 204, "")
		if i < 3 {
			wantMail(t, app, "user_deleted", "ada@example.com")
		}
		noMail(t, app)
	}
	var counted []map[string]any
	app.DB.Table("counted_mails").Find(&counted)
	if len(counted) != 6 || strings.Contains(fmt.Sprint(counted), "@") {
		t.Errorf("%v are counted", counted)
	}
	app.DB.Exec("UPDATE counted_mails SET created_at = ?", time.Now().UTC().Add(-time.Hour))
	app.Register("bob@example.com")
	wantMail(t, app, "verify", "bob@example.com")
	var left int64
	if app.DB.Table("counted_mails").Count(&left); left != 1 {
		t.Errorf("after an hour, %d are counted", left)
	}
}

func TestAUsedLinkGivesItsMailBack(t *testing.T) {
	app, _ := withMail(t)
	for range 2 {
		resetToken(t, app)
	}
	for range 3 {
		reset(app, resetToken(t, app)).Want(t, 204, "")
		wantMail(t, app, "password_changed", "ada@example.com")
	}
	reset(app, resetToken(t, app)).Want(t, 204, "")
	noMail(t, app) // three notices of a kind are enough
	resetToken(t, app)
	forgot(t, app, "ada@example.com")
	noMail(t, app)
}

// The version before this wrote all mails as jobs of one kind.
func TestTheMailsOfTheVersionBeforeAreSent(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	id := app.User("ada@example.com").ID
	app.DB.Exec("DELETE FROM jobs")
	for _, args := range []string{
		`"template":"verify","user_id":"` + id.String() + `","email":""`,
		`"template":"reset","user_id":"00000000-0000-0000-0000-000000000000","email":"ada@example.com"`,
		`"template":"email_changed","user_id":"` + id.String() + `","email":"old@example.com"`,
		`"template":"password_changed","user_id":"` + id.String() + `","email":""`,
	} {
		job := jobs.Row{ID: uuid.Must(uuid.NewV7()), Kind: "mail", Args: `{"id":"` + uuid.Must(uuid.NewV7()).String() + `",` + args + `}`, RunAt: new(time.Time)}
		if err := app.DB.Create(&job).Error; err != nil {
			t.Fatal(err)
		}
	}
	app.RunJobs()
	got := map[string]apptest.Message{}
	for range 4 {
		sent := app.NextMessage()
		got[sent.Text+" to "+string(sent.To)] = sent
	}
	for _, notice := range []string{"email_changed to old@example.com", "password_changed to ada@example.com"} {
		if sent, is := got[notice]; !is || contentOf(sent).Email != "ada@example.com" {
			t.Errorf("no %s in %v", notice, got)
		}
	}
	verify(app, tokenOf(got["verify to ada@example.com"])).Want(t, 204, "")
	reset(app, tokenOf(got["reset to ada@example.com"])).Want(t, 204, "")
}
