// Package page answers with HTML pages that have one style and load nothing from other hosts.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"maps"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

var (
	//go:embed layout.html
	layout embed.FS
	//go:embed colors.css
	colors string
	//go:embed style.css
	styleFile string
	//go:embed form.js
	scriptFile string
)

// Pages are templates of pages. Each begins with {{template "head" "Its title"}} and ends
// with {{template "foot"}}. {{template "script"}} after a form makes form.js send it.
type Pages struct {
	policy    string
	templates *template.Template
}

// Parse reads the templates that match the patterns, with functions of their own. It panics
// at a template that is wrong, because templates are files of the program.
func Parse(functions template.FuncMap, files fs.FS, patterns ...string) Pages {
	unix := strings.NewReplacer("\r\n", "\n") // as a browser hashes them
	style, script := unix.Replace(colors+styleFile), unix.Replace(scriptFile)
	all := template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) }, //nolint:gosec // a file of the program
		"script": func() template.JS { return template.JS(script) },  //nolint:gosec // a file of the program
	}
	maps.Copy(all, functions)
	templates := template.Must(template.New("").Funcs(all).ParseFS(layout, "*.html"))
	return Pages{
		policy:    "style-src " + hashOf(style) + "; script-src " + hashOf(script) + "; connect-src 'self'; img-src data:",
		templates: template.Must(templates.ParseFS(files, patterns...)),
	}
}

// Colors returns the variables of CSS that the style uses, light and dark, for a page with a
// style of its own.
func Colors() string { return colors }

// Write answers with a page.
func (p Pages) Write(c *gin.Context, status int, name string, data any) {
	var out bytes.Buffer
	if err := p.templates.ExecuteTemplate(&out, name, data); err != nil {
		problem.Write(c, err)
		return
	}
	WriteHTML(c, status, p.policy, out.String())
}

// WriteHTML answers with HTML, which may load only what policy allows: directives of a
// Content-Security-Policy.
func WriteHTML(c *gin.Context, status int, policy, html string) {
	c.Header("Content-Security-Policy", "default-src 'none'; "+policy+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Data(status, "text/html; charset=utf-8", []byte(html))
}

// hashOf is how a Content-Security-Policy allows a text inside a page.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
