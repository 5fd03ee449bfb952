package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"example.com/latchkey/app/apptest"
)

// says waits until the page tells the result of its form.
func (p *page) says(text string) {
	p.t.Helper()
	p.shows("[role=status]", text)
}

// openMail loads /dev/mail until its newest mail has a subject.
func (p *page) openMail(url, subject string) {
	p.t.Helper()
	for newest := ""; newest != subject; {
		p.do(chromedp.Navigate(url + "/dev/mail"))
		newest = run(p, chromedp.Evaluate[string](`document.querySelector("summary strong")?.innerText ?? ""`))
		if p.ctx.Err() != nil {
			p.t.Fatal("there is no mail: ", subject)
		}
	}
}

func TestLinksInMailsWorkInABrowser(t *testing.T) {
	api := apptest.Launch(t, t.TempDir()).Await()
	url := api.URL
	p := browse(t, url, "/dev/mail")
	p.look("mails_none")

	api.Want(201, "POST", "/register", `{"email": "ada@example.com", "password": "correct horse"}`)
	p.openMail(url, "Verify your email address")
	p.look("mails")
	p.press("pre a", "\r")
	p.do(chromedp.WaitVisible(chromedp.CSS("button")))
	p.look("verify")
	p.do(chromedp.KeyEvent("\r")) // the button has the focus
	p.says("Your email address is verified")
	p.look("verified")
	p.do(chromedp.Reload(), chromedp.Click(chromedp.CSS("button")))
	p.says("This link does not work")

	api.Want(202, "POST", "/password/forgot", `{"email": "ada@example.com"}`)
	p.openMail(url, "Choose a new password")
	p.do(chromedp.Click(chromedp.CSS("details[open] a.soft")), chromedp.WaitVisible(chromedp.CSS(".card")))
	p.look("mail")
	p.do(chromedp.Click(chromedp.CSS("p > a")), chromedp.WaitVisible(chromedp.CSS("#password")))
	p.do(chromedp.KeyEvent("short\r")) // the field has the focus
	p.says("The password must")
	p.look("reset_refused")
	p.do(chromedp.KeyEvent("battery staple\r")) // the refused password is selected
	p.says("Your password is changed")
	p.look("reset_done")
	api.Want(401, "POST", "/login", `{"email": "ada@example.com", "password": "correct horse"}`)
	api.Want(200, "POST", "/login", `{"email": "ada@example.com", "password": "battery staple"}`)
	p.openMail(url, "Your password was changed")

	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errors) > 0 {
		t.Error(strings.Join(p.errors, "\n"))
	}
}
