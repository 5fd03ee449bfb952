// Command plain is a Gin application that only calls the libraries, to compare with what
// they cost: golang-jwt at GET /protected, and GORM with SQLite at GET /notes.
package main

import (
	"database/sql"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite"
)

type note struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	OwnerID   string    `json:"-"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
}

func main() {
	address, file, secret, owner := os.Args[1], os.Args[2], []byte(os.Args[3]), os.Args[4]
	pool, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_time_format=sqlite")
	if err != nil {
		panic(err)
	}
	pool.SetMaxIdleConns(8)
	pool.SetMaxOpenConns(8)
	db, err := gorm.Open(&sqlite.Dialector{Conn: pool}, &gorm.Config{PrepareStmt: true})
	if err != nil {
		panic(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", func(*gin.Context) {})
	engine.GET("/protected", func(c *gin.Context) {
		var claims jwt.RegisteredClaims
		token := strings.TrimPrefix(c.GetHeader("Authorization"), "Bearer ")
		_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithValidMethods([]string{"HS256"}))
		if err != nil {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.JSON(http.StatusOK, gin.H{"user_id": claims.Subject})
	})
	engine.GET("/notes", func(c *gin.Context) {
		var notes []note
		if err := db.Where("owner_id = ?", owner).Order("id DESC").Limit(20).Find(&notes).Error; err != nil {
			c.AbortWithStatus(http.StatusInternalServerError)
			return
		}
		c.JSON(http.StatusOK, gin.H{"items": notes})
	})
	if err := engine.Run(address); err != nil {
		panic(err)
	}
}
