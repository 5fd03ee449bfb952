package handlers

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
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

// compress reuses one writer, which takes most of a megabyte.
func compress(writer *gzip.Writer, content []byte) []byte {
	var out bytes.Buffer
	writer.Reset(&out)
	_, _ = writer.Write(content) // a buffer takes all
	_ = writer.Close()
	return out.Bytes()
}

// Serve answers with the file, compressed where the client takes that.
func (f File) Serve(c *gin.Context) {
	c.Header("Content-Type", f.media)
	c.Header("Cache-Control", "no-cache") // ask each time whether it has changed
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
