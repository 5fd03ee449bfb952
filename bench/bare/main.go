// Command bare is the server to compare with, which only calls the libraries. It answers
// what GET /protected answers, checks a password at POST /login in the simplest way,
// parses a token at GET /protected, and reads a page with GORM at GET /notes.
package main

import (
	"bytes"
	"database/sql"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite"
)

type user struct {
	UserID string `json:"user_id"`
}

type note struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	OwnerID   string    `json:"-"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
}

// open opens the database at the first request that reads it.
var open = sync.OnceValues(func() (*gorm.DB, error) {
	pool, err := sql.Open("sqlite", "file:data/app.db?_pragma=busy_timeout(5000)&_time_format=sqlite")
	if err != nil {
		return nil, err
	}
	pool.SetMaxIdleConns(8)
	pool.SetMaxOpenConns(8)
	return gorm.Open(&sqlite.Dialector{Conn: pool}, &gorm.Config{PrepareStmt: true})
})

func main() {
	secret, _ := os.ReadFile("data/jwt_secret")
	secret = bytes.TrimSpace(secret)
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) { c.JSON(http.StatusOK, user{"01900000-0000-7000-8000-000000000000"}) })
	engine.POST("/login", func(c *gin.Context) {
		var in struct {
			Email    string `json:"email" binding:"required,email"`
			Password string `json:"password" binding:"required"`
		}
		if c.ShouldBindJSON(&in) != nil || bcrypt.CompareHashAndPassword([]byte(os.Getenv("HASH")), []byte(in.Password)) != nil {
			c.Status(http.StatusUnauthorized)
		}
	})
	engine.GET("/protected", func(c *gin.Context) {
		var claims jwt.RegisteredClaims
		token := strings.TrimPrefix(c.GetHeader("Authorization"), "Bearer ")
		if _, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.JSON(http.StatusOK, user{claims.Subject})
	})
	engine.GET("/notes", func(c *gin.Context) {
		var notes []note
		db, err := open()
		if err != nil || db.Where("owner_id = ?", os.Getenv("OWNER")).Order("id DESC").Limit(20).Find(&notes).Error != nil {
			c.AbortWithStatus(http.StatusNotFound) // a fork may have no notes
			return
		}
		c.JSON(http.StatusOK, gin.H{"items": notes})
	})
	panic(engine.Run(os.Getenv("APP_SERVER_ADDRESS")))
}
