package handlers

import (
	"context"
	"errors"
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

// Ready says that requests can be served: the database answers and is up to
// date, and the server is not about to stop.
func (h Health) Ready(ctx context.Context, _ endpoint.None) (Status, error) {
	if endpoint.StoppingFrom(ctx).Asked.Err() != nil {
		return Status{}, problem.Unavailable.Detailed("The server is about to stop")
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	pending, err := database.Pending(h.DB.WithContext(ctx))
	switch {
	case errors.Is(err, problem.Unavailable): // whose detail may say more
		return Status{}, err
	case err != nil && !errors.Is(err, database.ErrNewer): // which the next version's replicas made
		return Status{}, problem.Unavailable.Because(err)
	case len(pending) > 0:
		return Status{}, problem.Unavailable.Detailed("The database has pending migrations")
	}
	return Status{"ok"}, nil
}
