package mail

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/mail"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
)

var (
	//go:embed pages
	pageFiles embed.FS
	//go:embed pages/style.css
	style string
	//go:embed pages/form.js
	script string
)

// pages are the pages that links in mails lead to, and in development the page of the
// mails that are kept.
type pages struct {
	root      string // the URL of this API, with which its links begin
	policy    string // what a page may load
	templates *template.Template
}

func newPages(root string) pages {
	unix := strings.NewReplacer("\r\n", "\n") // as a browser hashes them
	style, script := unix.Replace(style), unix.Replace(script)
	p := pages{root: root, policy: "style-src " + hashOf(style) + "; script-src " + hashOf(script) + "; connect-src 'self'; img-src data:"}
	p.templates = template.Must(template.New("").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) }, //nolint:gosec // a file of the program
		"script": func() template.JS { return template.JS(script) },  //nolint:gosec // a file of the program
		"mails":  mail.Kept.List,
		"linked": p.linked,
	}).ParseFS(pageFiles, "pages/*.html"))
	return p
}

// pageRoutes returns the routes of the pages that links in mails lead to, unless those
// are a frontend's, and in development of the mails themselves. The page that verifies an
// email has a button, because programs that check mails open each link.
func pageRoutes(s config.Settings) (table []endpoint.Route) {
	p, own := newPages(publicURL(s)), config.Of[Settings](s)
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
	return func(c *gin.Context) {
		var out bytes.Buffer
		if err := p.templates.ExecuteTemplate(&out, name, nil); err != nil {
			problem.Write(c, err)
			return
		}
		write(c, p.policy, out.String())
	}
}

// Show serves the HTML of a mail.
func (p pages) Show(c *gin.Context) {
	found, err := mail.Kept.Find(c.Param("id"))
	if err != nil {
		problem.Write(c, problem.NotFound.Because(err))
		return
	}
	write(c, "style-src 'unsafe-inline'", strings.ReplaceAll(found.HTML, `href="`+p.root, `href="../..`))
}

// loopbackOnly refuses a request under another name than one of this machine: a page on
// the internet may point its name at 127.0.0.1, and the browser lets it read what is there.
func loopbackOnly(c *gin.Context) {
	if !settings.IsLoopback(c.Request.Host) {
		problem.Write(c, problem.Forbidden.Detailed("Mails are shown under the name localhost, or an address such as 127.0.0.1"))
	}
}

// write answers with a page, which may load only what policy allows.
func write(c *gin.Context, policy, page string) {
	c.Header("Content-Security-Policy", "default-src 'none'; "+policy+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(page))
}

// hashOf is how a Content-Security-Policy allows a text inside a page.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
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
