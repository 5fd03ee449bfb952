package handlers

import (
	"compress/gzip"
	"embed"
	"io/fs"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"example.com/latchkey/problem"
)

//go:embed docs/index.html docs/start.js
var page embed.FS

// pagePolicy lets Swagger UI run its own scripts and ask this host, and no more.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Docs is the page on which people try the API: Swagger UI on its document.
type Docs struct {
	files map[string]File
}

// NewDocs compresses what is not compressed in the program.
func NewDocs() Docs {
	writer := gzip.NewWriter(nil)
	return Docs{map[string]File{
		"index.html":           gzippedFile("text/html; charset=utf-8", compress(writer, embedded(page, "docs/index.html"))),
		"start.js":             gzippedFile("text/javascript; charset=utf-8", compress(writer, embedded(page, "docs/start.js"))),
		"swagger-ui-bundle.js": gzippedFile("text/javascript; charset=utf-8", embedded(static.FS, "swagger-ui-bundle.js.gz")),
		"swagger-ui.css":       gzippedFile("text/css; charset=utf-8", embedded(static.FS, "swagger-ui.css.gz")),
		"favicon-32x32.png":    gzippedFile("image/png", compress(writer, embedded(static.FS, "favicon-32x32.png"))),
	}}
}

// embedded is a file of the program, which panics at the start without it.
func embedded(in fs.FS, name string) []byte {
	content, err := fs.ReadFile(in, name)
	if err != nil {
		panic(err)
	}
	return content
}

// Page is Swagger UI.
func (d Docs) Page(c *gin.Context) { d.serve(c, "index.html") }

// File is what the page loads.
func (d Docs) File(c *gin.Context) { d.serve(c, c.Param("file")) }

// Home leads people to the page. A proxy may have cut a prefix off the path that
// they asked for, so the way is relative, which c.Redirect would not leave it.
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
