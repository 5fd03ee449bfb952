package docs

import (
	"embed"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"example.com/latchkey/kit/page"
	"example.com/latchkey/kit/problem"
)

//go:embed page
var files embed.FS

// pagePolicy lets Swagger UI run its own scripts and call this host, nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Docs is the page to try the API: Swagger UI with the API's document.
type Docs struct {
	files map[string]File
}

// NewDocs returns the page with its files.
func NewDocs() Docs {
	own := func(media, name string) File {
		return NewFile(media, func() ([]byte, error) { return files.ReadFile("page/" + name) })
	}
	swagger := func(media, name string) File { // compressed in the program
		return gzippedFile(media, func() ([]byte, error) { return static.FS.ReadFile(name + ".gz") })
	}
	return Docs{map[string]File{
		"index.html":           own("text/html; charset=utf-8", "index.html"),
		"start.js":             own("text/javascript; charset=utf-8", "start.js"),
		"style.css":            own("text/css; charset=utf-8", "style.css"),
		"colors.css":           NewFile("text/css; charset=utf-8", func() ([]byte, error) { return []byte(page.Colors()), nil }),
		"swagger-ui-bundle.js": swagger("text/javascript; charset=utf-8", "swagger-ui-bundle.js"),
		"swagger-ui.css":       swagger("text/css; charset=utf-8", "swagger-ui.css"),
		"favicon-32x32.png":    NewFile("image/png", func() ([]byte, error) { return static.FS.ReadFile("favicon-32x32.png") }),
	}}
}

// Page serves Swagger UI.
func (d Docs) Page(c *gin.Context) { d.serve(c, "index.html") }

// File serves a file that the page loads.
func (d Docs) File(c *gin.Context) { d.serve(c, c.Param("file")) }

// Home redirects to the page. The location is relative, because a proxy may have
// removed a prefix of the path. c.Redirect would make it absolute.
func (Docs) Home(c *gin.Context) {
	c.Header("Location", "docs")
	c.Status(http.StatusFound)
}

func (d Docs) serve(c *gin.Context, name string) {
	found, ok := d.files[name]
	if !ok {
		problem.Write(c, problem.NotFound)
		return
	}
	if name == "index.html" {
		c.Header("Content-Security-Policy", pagePolicy)
	}
	found.Serve(c)
}
