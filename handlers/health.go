package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/database"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/problem"
)

// pingTimeout is well under the interval of any probe.
const pingTimeout = time.Second

// Health is what a supervisor or a load balancer asks.
type Health struct {
	DB *gorm.DB
}

// Status is the answer while all is well.
type Status struct {
	Status string `json:"status"`
}

// Live says that the process runs.
func (Health) Live(c *gin.Context) {
	c.JSON(http.StatusOK, Status{"ok"})
}

// Ready says that requests can be served: the database answers.
func (h Health) Ready(ctx context.Context, _ endpoint.None) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := database.Ping(ctx, h.DB); err != nil {
		return Status{}, problem.Unavailable.Because(err)
	}
	return Status{"ok"}, nil
}
