package handlers

import (
	"compress/gzip"
	"embed"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"example.com/latchkey/problem"
)

//go:embed docs/index.html docs/start.js docs/style.css
var page embed.FS

// pagePolicy lets Swagger UI run its own scripts and call this host, nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Docs is the page to try the API: Swagger UI with the API's document.
type Docs struct {
	files map[string]File
}

// NewDocs compresses the files that are not compressed in the program.
func NewDocs() Docs {
	writer := gzip.NewWriter(nil)
	return Docs{map[string]File{
		"index.html":           gzippedFile("text/html; charset=utf-8", compress(writer, readEmbedded(page, "docs/index.html"))),
		"start.js":             gzippedFile("text/javascript; charset=utf-8", compress(writer, readEmbedded(page, "docs/start.js"))),
		"style.css":            gzippedFile("text/css; charset=utf-8", compress(writer, readEmbedded(page, "docs/style.css"))),
		"swagger-ui-bundle.js": gzippedFile("text/javascript; charset=utf-8", readEmbedded(static.FS, "swagger-ui-bundle.js.gz")),
		"swagger-ui.css":       gzippedFile("text/css; charset=utf-8", readEmbedded(static.FS, "swagger-ui.css.gz")),
		"favicon-32x32.png":    gzippedFile("image/png", compress(writer, readEmbedded(static.FS, "favicon-32x32.png"))),
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
