package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// pingTimeout is much shorter than the interval of any probe.
const pingTimeout = time.Second

// Health has the checks for a supervisor or a load balancer.
type Health struct {
	DB *gorm.DB
}

// HealthStatus is the answer of a check that succeeds.
type HealthStatus struct {
	Status string `json:"status"`
}

// Live reports that the process runs.
func (Health) Live(c *gin.Context) {
	c.JSON(http.StatusOK, HealthStatus{"ok"})
}

// Ready reports that the server can handle requests: the database writes and has
// all migrations, and the server is not about to stop.
func (h Health) Ready(ctx context.Context, _ endpoint.None) (HealthStatus, error) {
	if endpoint.StoppingFrom(ctx).Asked.Err() != nil {
		return HealthStatus{}, problem.Unavailable.Detailed("The server is about to stop")
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	db := h.DB.WithContext(ctx)
	pending, err := database.Pending(db)
	switch {
	case err != nil && !errors.Is(err, database.ErrNewer): // during a deployment, new replicas migrate first
	case len(pending) > 0:
		err = problem.Unavailable.Detailed("The database has pending migrations")
	default:
		err = database.CheckWrites(db)
	}
	if err != nil && !errors.Is(err, problem.Unavailable) { // which keeps its detail
		err = problem.Unavailable.Because(err)
	}
	return HealthStatus{"ok"}, err
}
