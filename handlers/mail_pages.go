package handlers

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/mail"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
)

//go:embed mail
var mailPages embed.FS

// MailPages are the pages that links in mails lead to, and the page of the mails that
// are kept.
type MailPages struct {
	root          string // the URL of this API, with which its links begin
	kept          mail.Folder
	style, script string
	pages         *template.Template
}

// NewMailPages reads the pages. root is the URL with which links to this API begin.
func NewMailPages(root string, kept mail.Folder) MailPages {
	m := MailPages{
		root: root, kept: kept,
		style:  string(readEmbedded(mailPages, "mail/style.css")),
		script: string(readEmbedded(mailPages, "mail/form.js")),
	}
	m.pages = template.Must(template.New("").Funcs(template.FuncMap{"linked": m.linked}).ParseFS(mailPages, "mail/*.html"))
	return m
}

// readEmbedded reads a text of the program, with line ends as a browser hashes them. It
// panics if the file is missing.
func readEmbedded(in fs.FS, name string) []byte {
	content, err := fs.ReadFile(in, name)
	if err != nil {
		panic(err)
	}
	return bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
}

// Reset serves the form to choose a new password.
func (m MailPages) Reset(c *gin.Context) { m.serve(c, "reset.html", nil) }

// Verify serves the form to verify an email. It has a button, because programs that
// check mails open each link.
func (m MailPages) Verify(c *gin.Context) { m.serve(c, "verify.html", nil) }

// Index serves the mails that are kept.
func (m MailPages) Index(c *gin.Context) {
	mails, err := m.kept.List()
	if err != nil {
		problem.Write(c, err)
		return
	}
	m.serve(c, "list.html", mails)
}

// Show serves the HTML of a mail.
func (m MailPages) Show(c *gin.Context) {
	found, err := m.kept.Find(c.Param("id"))
	if err != nil {
		problem.Write(c, problem.NotFound.Because(err))
		return
	}
	write(c, "style-src 'unsafe-inline'", strings.ReplaceAll(found.HTML, `href="`+m.root, `href="../..`))
}

// LoopbackOnly refuses a request under another name than one of this machine: a page on
// the internet may point its name at 127.0.0.1, and the browser lets it read what is there.
func LoopbackOnly(c *gin.Context) {
	if !settings.IsLoopback(c.Request.Host) {
		problem.Write(c, problem.Forbidden.Detailed("Mails are shown under the name localhost, or an address such as 127.0.0.1"))
	}
}

func (m MailPages) serve(c *gin.Context, name string, mails []mail.KeptMail) {
	var out bytes.Buffer
	err := m.pages.ExecuteTemplate(&out, name, map[string]any{
		"Style": template.CSS(m.style), "Script": template.JS(m.script), "Mails": mails, //nolint:gosec // files of the program
	})
	if err != nil {
		problem.Write(c, err)
		return
	}
	write(c, "style-src "+hashOf(m.style)+"; script-src "+hashOf(m.script)+"; connect-src 'self'; img-src data:", out.String())
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

var webLink = regexp.MustCompile(`https?://[^\s<>"]+`)

// linked makes the links of a text clickable. Those to this API become relative to
// /dev/mail, because the browser may know it by another name than the settings.
func (m MailPages) linked(text string) template.HTML {
	var out strings.Builder
	end := 0
	for _, at := range webLink.FindAllStringIndex(text, -1) {
		link := text[at[0]:at[1]]
		target := link
		if rest, ours := strings.CutPrefix(link, m.root+"/"); ours {
			target = "../" + rest
		}
		out.WriteString(template.HTMLEscapeString(text[end:at[0]]))
		out.WriteString(`<a href="` + template.HTMLEscapeString(target) + `">` + template.HTMLEscapeString(link) + `</a>`)
		end = at[1]
	}
	out.WriteString(template.HTMLEscapeString(text[end:]))
	return template.HTML(out.String()) //nolint:gosec // escaped above
}
