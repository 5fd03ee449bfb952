package handlers

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"example.com/latchkey/problem"
)

//go:embed docs/index.html docs/start.js
var page embed.FS

// pagePolicy lets Swagger UI run its own scripts and ask this host, and no more.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Docs is the OpenAPI document, and the page on which people try the API.
type Docs struct {
	files map[string]file
}

// file is content that does not change, compressed once.
type file struct {
	media, tag string
	gzipped    []byte
}

// NewDocs makes Docs of a document.
func NewDocs(document []byte) (Docs, error) {
	docs := Docs{files: map[string]file{}}
	html, htmlErr := fs.ReadFile(page, "docs/index.html")
	script, scriptErr := fs.ReadFile(page, "docs/start.js")
	bundle, bundleErr := fs.ReadFile(static.FS, "swagger-ui-bundle.js.gz")
	style, styleErr := fs.ReadFile(static.FS, "swagger-ui.css.gz")
	icon, iconErr := fs.ReadFile(static.FS, "favicon-32x32.png")
	writer := gzip.NewWriter(nil)
	docs.add("openapi.json", "application/json", compress(writer, document))
	docs.add("index.html", "text/html; charset=utf-8", compress(writer, html))
	docs.add("start.js", "text/javascript; charset=utf-8", compress(writer, script))
	docs.add("swagger-ui-bundle.js", "text/javascript; charset=utf-8", bundle)
	docs.add("swagger-ui.css", "text/css; charset=utf-8", style)
	docs.add("favicon-32x32.png", "image/png", compress(writer, icon))
	return docs, errors.Join(htmlErr, scriptErr, bundleErr, styleErr, iconErr)
}

func (d Docs) add(name, media string, gzipped []byte) {
	sum := sha256.Sum256(gzipped)
	d.files[name] = file{media, `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, gzipped}
}

// compress reuses one writer, which takes most of a megabyte.
func compress(writer *gzip.Writer, content []byte) []byte {
	var out bytes.Buffer
	writer.Reset(&out)
	_, _ = writer.Write(content) // a buffer takes all
	_ = writer.Close()
	return out.Bytes()
}

// Document is the API's description of itself.
func (d Docs) Document(c *gin.Context) { d.serve(c, "openapi.json") }

// Page is Swagger UI on that document.
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
	if strings.HasPrefix(found.media, "text/html") {
		c.Header("Content-Security-Policy", pagePolicy)
	}
	c.Header("Content-Type", found.media)
	c.Header("Cache-Control", "no-cache") // ask each time whether it has changed
	c.Header("ETag", found.tag)
	c.Writer.Header().Add("Vary", "Accept-Encoding")
	content := found.gzipped
	if acceptsGzip(c.Request.Header) {
		c.Header("Content-Encoding", "gzip")
	} else {
		reader, err := gzip.NewReader(bytes.NewReader(content))
		if err == nil {
			content, err = io.ReadAll(reader)
		}
		if err != nil {
			problem.Write(c, err)
			return
		}
	}
	c.Request.Header.Del("Range") // thousands of ranges would make an answer of megabytes
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3): gzip, or else *,
// with a weight over 0, which is 1 where none is given.
func acceptsGzip(header http.Header) bool {
	others := false
	for _, value := range header.Values("Accept-Encoding") {
		for choice := range strings.SplitSeq(value, ",") {
			coding, parameter, weighted := strings.Cut(choice, ";")
			name, text, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			weight, err := strconv.ParseFloat(text, 64)
			wanted := !weighted || strings.EqualFold(name, "q") && err == nil && weight > 0
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return wanted
			case "*":
				others = wanted
			}
		}
	}
	return others
}
