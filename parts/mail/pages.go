package mail

import (
	"embed"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/mail"
	"example.com/latchkey/kit/page"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
)

//go:embed pages
var pageFiles embed.FS

// pages are the pages that links in mails lead to, and in development the page of the
// mails that are kept.
type pages struct {
	page.Pages

	root string // the URL of this API, with which its links begin
}

func newPages(root string) pages {
	p := pages{root: root}
	p.Pages = page.Parse(template.FuncMap{
		"mails":  mail.Kept.List,
		"linked": p.linked,
		"lost": func() string {
			return "This link does not work. It has expired, was used already, or is not complete. Please ask for a new one."
		},
	}, pageFiles, "pages/*.html")
	return p
}

// pageRoutes returns the routes of the pages that links in mails lead to, unless those
// are a frontend's, and in development of the mails themselves. The page that verifies an
// email has a button, because programs that check mails open each link.
func pageRoutes(s config.Settings) (table []endpoint.Route) {
	p, own := newPages(s.Server.URL("")), config.Of[Settings](s)
	if own.ResetURL == "" {
		table = append(table, endpoint.Gin("GET", "/password/reset", "The form to choose a new password", p.serve("reset.html")))
	}
	if own.VerifyURL == "" {
		table = append(table, endpoint.Gin("GET", "/email/verify", "The form to verify an email", p.serve("verify.html")))
	}
	if keeps(s) {
		table = append(table,
			endpoint.Gin("GET", "/dev/mail", "The mails that are kept, newest first", p.serve("list.html")).With(loopbackOnly),
			endpoint.Gin("GET", "/dev/mail/:id", "A mail, as HTML", p.Show).With(loopbackOnly))
	}
	return table
}

// serve serves a page.
func (p pages) serve(name string) gin.HandlerFunc {
	return func(c *gin.Context) { p.Write(c, http.StatusOK, name, nil) }
}

// Show serves the HTML of a mail.
func (p pages) Show(c *gin.Context) {
	found, err := mail.Kept.Find(c.Param("id"))
	if err != nil {
		problem.Write(c, problem.NotFound.Because(err))
		return
	}
	page.WriteHTML(c, http.StatusOK, "style-src 'unsafe-inline'", strings.ReplaceAll(found.HTML, `href="`+p.root, `href="../..`))
}

// loopbackOnly refuses a request under another name than one of this machine: a page on
// the internet may point its name at 127.0.0.1, and the browser lets it read what is there.
func loopbackOnly(c *gin.Context) {
	if !settings.IsLoopback(c.Request.Host) {
		problem.Write(c, problem.Forbidden.Detailed("Mails are shown under the name localhost, or an address such as 127.0.0.1"))
	}
}

// webLink finds the links of a text that is escaped: they end before a quotation mark.
var webLink = regexp.MustCompile(`https?://(?:[^\s&]|&amp;|&#39;)+`)

// linked makes the links of a text clickable. Those to this API become relative to
// /dev/mail, because the browser may know it by another name than the settings.
func (p pages) linked(text string) template.HTML {
	root := template.HTMLEscapeString(p.root + "/")
	return template.HTML(webLink.ReplaceAllStringFunc(template.HTMLEscapeString(text), func(link string) string { //nolint:gosec // escaped
		target := link
		if rest, ours := strings.CutPrefix(link, root); ours {
			target = "../" + rest
		}
		return `<a href="` + target + `">` + link + `</a>`
	}))
}
