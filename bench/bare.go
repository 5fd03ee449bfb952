package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"golang.org/x/crypto/bcrypt"
)

// bareArgument makes this program the bare server, in a process of its own
// like the server it is compared with.
const bareArgument = "bare"

// serveBare answers what GET /protected answers and does nothing else, and
// checks a password at POST /login as a handler does that thinks of nothing else.
func serveBare(address string) error {
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), cost)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) {
		c.JSON(http.StatusOK, struct {
			UserID string `json:"user_id"`
		}{"01900000-0000-7000-8000-000000000000"})
	})
	engine.POST("/login", func(c *gin.Context) {
		var in struct {
			Email    string `json:"email" binding:"required,email"`
			Password string `json:"password" binding:"required"`
		}
		if c.ShouldBindJSON(&in) != nil || bcrypt.CompareHashAndPassword(hash, []byte(in.Password)) != nil {
			c.Status(http.StatusUnauthorized)
			return
		}
		c.Status(http.StatusOK)
	})
	return engine.Run(address)
}
