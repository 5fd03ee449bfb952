package middleware

import (
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
)

// maxUserAgent is what is kept of a User-Agent, in bytes.
const maxUserAgent = 255

// Client puts the request's client into its context, for auth.ClientFrom.
func Client(c *gin.Context) {
	c.Request = c.Request.WithContext(auth.WithClient(c.Request.Context(), clientOf(c)))
}

func clientOf(c *gin.Context) auth.Client {
	agent := c.Request.UserAgent()
	return auth.Client{IP: c.ClientIP(), UserAgent: strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")}
}
