package e2e

import (
	"bufio"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// start builds the program, runs it in a folder until the test ends, and returns its URL.
func start(t *testing.T, folder string, environ ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	serve := exec.CommandContext(t.Context(), program)
	serve.Dir, serve.Env = folder, append([]string{"APP_SERVER_ADDRESS=127.0.0.1:0"}, environ...)
	log, err := serve.StderrPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Wait() })
	url, lines := make(chan string, 1), bufio.NewScanner(log)
	go func() {
		address := regexp.MustCompile(`msg=listening url=(\S+)`)
		for lines.Scan() {
			if found := address.FindStringSubmatch(lines.Text()); found != nil {
				url <- found[1]
			}
		}
		close(url)
	}()
	found := <-url
	if found == "" {
		t.Fatal("the program does not listen")
	}
	return found
}

// post calls the API, and fails the test unless it answers with a status.
func post(t *testing.T, url, body string, status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != status {
		t.Errorf("POST %s %s is answered %d, want %d", url, body, answer.StatusCode, status)
	}
}

// says waits until the page tells the result of its form.
func (p *page) says(text string) {
	p.t.Helper()
	run(p, chromedp.Poll[bool](`document.querySelector("[role=status]").innerText.includes("`+text+`")`, chromedp.WithPollingTimeout(time.Minute)))
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

// shootAll saves the page on a desk, on a phone and in the dark.
func (p *page) shootAll(name string) {
	p.t.Helper()
	p.shoot(name, 1200, 800)
	p.shoot(name+"_phone", 380, 700)
	p.prefer("dark")
	p.shoot(name+"_dark", 1200, 800)
	p.prefer("light")
}

func TestLinksInMailsWorkInABrowser(t *testing.T) {
	url := start(t, t.TempDir())
	p := browse(t, url, "/dev/mail")
	p.shootAll("mails_none")

	post(t, url+"/register", `{"email": "ada@example.com", "password": "correct horse"}`, 201)
	p.openMail(url, "Verify your email address")
	p.shootAll("mails")
	p.do(chromedp.Click(chromedp.CSS("pre a")), chromedp.WaitVisible(chromedp.CSS("button")))
	p.shootAll("verify")
	p.do(chromedp.KeyEvent("\r")) // the button has the focus
	p.says("Your email address is verified")
	p.shootAll("verified")
	p.do(chromedp.Reload(), chromedp.Click(chromedp.CSS("button")))
	p.says("This link does not work")

	post(t, url+"/password/forgot", `{"email": "ada@example.com"}`, 202)
	p.openMail(url, "Choose a new password")
	p.do(chromedp.Click(chromedp.CSS("details[open] a.soft")), chromedp.WaitVisible(chromedp.CSS(".card")))
	p.shootAll("mail")
	p.do(chromedp.Click(chromedp.CSS("p > a")), chromedp.WaitVisible(chromedp.CSS("#password")))
	p.do(chromedp.KeyEvent("short\r")) // the field has the focus
	p.says("The password must")
	p.shootAll("reset_refused")
	p.do(chromedp.KeyEvent("battery staple\r")) // the refused password is selected
	p.says("Your password is changed")
	p.shootAll("reset_done")
	post(t, url+"/login", `{"email": "ada@example.com", "password": "correct horse"}`, 401)
	post(t, url+"/login", `{"email": "ada@example.com", "password": "battery staple"}`, 200)
	p.openMail(url, "Your password was changed")

	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errors) > 0 {
		t.Error(strings.Join(p.errors, "\n"))
	}
}
