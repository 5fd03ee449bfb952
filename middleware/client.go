package middleware

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
)

// maxUserAgent is what is kept of a User-Agent, in bytes.
const maxUserAgent = 255

// Client puts the request's client into its context, for auth.ClientFrom.
func Client(c *gin.Context) {
	c.Request = c.Request.WithContext(withClient(c))
}

func withClient(c *gin.Context) context.Context {
	agent := c.Request.UserAgent()
	client := auth.Client{IP: c.ClientIP(), UserAgent: strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")}
	return auth.WithClient(c.Request.Context(), client)
}
