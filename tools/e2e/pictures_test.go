package e2e

import (
	"os"
	"testing"

	cdp "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"example.com/latchkey/app/apptest"
)

// TestPictures takes the pictures of the README. make pictures runs it.
func TestPictures(t *testing.T) {
	if os.Getenv("PICTURES") == "" {
		t.Skip("make pictures takes the pictures of the README")
	}
	api := apptest.Launch(t, t.TempDir(), "APP_SERVER_PUBLIC_URL=http://127.0.0.1:8080").Await() // which the mail shows
	p := browse(t, api.URL, "/docs")
	p.do(chromedp.WaitVisible(".opblock"))
	p.take("../../parts/docs/picture.webp")
	api.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	p.openMail(api.URL, "Verify your email address")
	p.take("../../parts/mail/picture.webp")
}

// take writes a picture of the page to a file.
func (p *page) take(file string) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(640, 600, chromedp.EmulateScale(1.5)))
	quality := int64(60)
	picture, err := chromedp.Call(p.ctx, cdp.CaptureScreenshot, cdp.CaptureScreenshotParams{Format: "webp", Quality: &quality})
	if err == nil {
		err = os.WriteFile(file, picture.Data, 0o644) //nolint:gosec // as git has it
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
