// Command bare is the server to compare with. It only answers what GET /protected
// answers, and checks a password at POST /login in the simplest way.
package main

import (
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	address, hash := os.Args[1], []byte(os.Args[2])
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
	if err := engine.Run(address); err != nil {
		panic(err)
	}
}
