package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// File is content that does not change. It is compressed at its first request, so that
// the start does not wait for it.
type File struct {
	media string
	load  func() (loadedFile, error)
}

type loadedFile struct {
	tag     string
	gzipped []byte
}

// NewFile makes a File of what content returns. content is called once.
func NewFile(media string, content func() ([]byte, error)) File {
	return gzippedFile(media, func() ([]byte, error) {
		text, err := content()
		var out bytes.Buffer
		writer := gzip.NewWriter(&out)
		_, _ = writer.Write(text) // a buffer returns no error
		_ = writer.Close()
		return out.Bytes(), err
	})
}

// gzippedFile is NewFile for content that is compressed already.
func gzippedFile(media string, content func() ([]byte, error)) File {
	return File{media, sync.OnceValues(func() (loadedFile, error) {
		gzipped, err := content()
		sum := sha256.Sum256(gzipped)
		return loadedFile{`W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, gzipped}, err
	})}
}

// Serve answers with the file, compressed if the client accepts gzip.
func (f File) Serve(c *gin.Context) {
	file, err := f.load()
	if err != nil {
		problem.Write(c, err)
		return
	}
	c.Header("Content-Type", f.media)
	c.Header("Cache-Control", "no-cache") // check for a new version each time
	c.Header("ETag", file.tag)
	c.Writer.Header().Add("Vary", "Accept-Encoding")
	content := file.gzipped
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
	c.Request.Header.Del("Range") // because thousands of ranges would make an answer of megabytes
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3). It looks for gzip,
// or else for *, with a weight over 0. The default weight is 1.
func acceptsGzip(header http.Header) bool {
	anyCoding := false
	for _, value := range header.Values("Accept-Encoding") {
		for choice := range strings.SplitSeq(value, ",") {
			coding, parameter, weighted := strings.Cut(choice, ";")
			name, text, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			weight, err := strconv.ParseFloat(text, 64)
			accepted := !weighted || strings.EqualFold(name, "q") && err == nil && weight > 0
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return accepted
			case "*":
				anyCoding = accepted
			}
		}
	}
	return anyCoding
}
