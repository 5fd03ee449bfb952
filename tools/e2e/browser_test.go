package e2e

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"example.com/latchkey/app/apptest"
)

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

// page is a browser with an app, and the errors of the browser.
type page struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	errors []string
}

// browse opens a headless Chromium for the pages of the API at a URL. Without Chromium, or
// without the part that has the page, the test is skipped.
func browse(t *testing.T, at, path string, more ...chromedp.ExecAllocatorOption) *page {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		t.Skip("the program has no page " + path)
	}
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	found := slices.IndexFunc(names, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if found < 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium is installed")
		}
		t.Skip("no Chromium is installed, so no page is tested in a browser: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(names[found]), chromedp.NoSandbox, chromedp.WindowSize(1400, 1000))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(options, more...)...)
	t.Cleanup(cancel)
	p := &page{t: t}
	home, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			p.addError("exception: " + event.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if event.Type == runtime.ConsoleAPICalledTypeError {
				p.addError("console: " + string(event.Args[0].Value) + event.Args[0].Description)
			}
		case *log.EventEntryAdded: // also violations of the Content-Security-Policy
			if event.Entry.Level == log.EntryLevelError && !strings.Contains(event.Entry.Text, "status of 401") && !strings.Contains(event.Entry.Text, "status of 422") {
				p.addError("log: " + event.Entry.Text + " " + event.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if target, err := url.Parse(event.Request.URL); err != nil || target.Host != home.Host && target.Scheme != "data" && target.Scheme != "blob" {
				p.addError("request to another host: " + event.Request.URL)
			}
		}
	}))
	t.Cleanup(cancel)
	p.ctx = ctx
	p.do() // starts the browser without the timeout, which would end it
	p.ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	p.do(chromedp.Navigate(at + path))
	return p
}

func (p *page) addError(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors = append(p.errors, text)
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err, p.errors)
	}
}

func run[T any](p *page, action chromedp.Action[T]) T {
	p.t.Helper()
	result, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatal(err, p.errors)
	}
	return result
}

// shoot saves a screenshot in the folder that SCREENSHOTS names.
func (p *page) shoot(name string, width, height int64) {
	p.t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	p.do(chromedp.EmulateViewport(width, height))
	screenshot := run(p, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name+".png"), screenshot, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// prefer sets the colour scheme of the system.
func (p *page) prefer(scheme string) {
	p.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
		p.t.Fatal(err)
	}
}
