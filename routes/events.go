package routes

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/models"
)

// purgeEvents is the job that deletes the events older than events.keep. It finds them
// by their ids, which begin with the time.
func purgeEvents(a App) jobs.Handler {
	return jobs.Periodic("purge events", jobs.Every(time.Hour), func(ctx context.Context) error {
		before, err := uuid.NewV7AtTime(a.DB.NowFunc().Add(-a.Settings.Events.Keep))
		if err != nil {
			return err
		}
		deleted, err := database.InBatches(ctx, database.BatchPause, func() *gorm.DB {
			old := a.DB.Model(&models.Event{}).Select("id").Where("id < ?", before).Limit(database.BatchSize)
			return a.DB.WithContext(ctx).Where("id IN (?)", old).Delete(&models.Event{})
		})
		if deleted > 0 {
			a.Log.Info("old events deleted", "count", deleted)
		}
		return err
	})
}
