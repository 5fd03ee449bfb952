package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// bareArgument makes this program the bare server, in a process of its own
// like the server it is compared with.
const bareArgument = "bare"

// serveBare answers what GET /protected answers, and does nothing else.
func serveBare(address string) error {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) {
		c.JSON(http.StatusOK, struct {
			UserID string `json:"user_id"`
		}{"01900000-0000-7000-8000-000000000000"})
	})
	return engine.Run(address)
}
