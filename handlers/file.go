package handlers

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/problem"
)

// File is content that does not change, compressed once.
type File struct {
	media, tag string
	gzipped    []byte
}

// NewFile compresses content.
func NewFile(media string, content []byte) File {
	return gzippedFile(media, compress(gzip.NewWriter(nil), content))
}

func gzippedFile(media string, gzipped []byte) File {
	sum := sha256.Sum256(gzipped)
	return File{media, `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, gzipped}
}

// compress uses the caller's writer, because each writer takes almost a megabyte.
func compress(writer *gzip.Writer, content []byte) []byte {
	var out bytes.Buffer
	writer.Reset(&out)
	_, _ = writer.Write(content) // a buffer returns no error
	_ = writer.Close()
	return out.Bytes()
}

// Serve answers with the file, compressed if the client accepts gzip.
func (f File) Serve(c *gin.Context) {
	c.Header("Content-Type", f.media)
	c.Header("Cache-Control", "no-cache") // check for a new version each time
	c.Header("ETag", f.tag)
	c.Writer.Header().Add("Vary", "Accept-Encoding")
	content := f.gzipped
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

// readEmbedded reads a file of the program. It panics if the file is missing.
func readEmbedded(in fs.FS, name string) []byte {
	content, err := fs.ReadFile(in, name)
	if err != nil {
		panic(err)
	}
	return content
}
