// Package events is the part that stores what happens to accounts, and lists it.
package events

import (
	"context"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/settings"
)

// Settings say how long events are kept.
type Settings struct {
	Keep time.Duration `mapstructure:"keep"`
}

// Part returns the part.
func Part() app.Part {
	return app.Part{
		Name:       "events",
		Settings:   []config.Section{config.NewSection("events", Settings{Keep: 2160 * time.Hour}, check)},
		Migrations: []*gormigrate.Migration{createEvents},
		New:        start,
	}
}

func check(f *settings.Faults, _ config.Settings, s Settings) {
	f.Section("events").Positive("keep", s.Keep)
}

func start(a app.App) app.Running {
	events := Events{DB: a.DB}
	var kinds []string
	for _, kind := range a.Kinds() {
		kinds = append(kinds, string(kind))
	}
	return app.Running{
		Extension: accounts.Extension{Hooks: []accounts.Hook{store}},
		Jobs:      []jobs.Handler{jobs.Periodic("purge events", jobs.Every(time.Hour), purge(a))},
		Routes: func(accounts.Accounts) []endpoint.Route {
			return []endpoint.Route{
				app.Protected("GET", "/me/events", "What happened to my account", events.Mine).TagText("What happened to accounts, when, and from which address."),
				app.Admin("GET", "/events", "What happened to all accounts", events.Index).Check(checkKind(kinds)).Enum("kind", kinds...),
			}
		},
	}
}

// purge deletes the events older than events.keep. It finds them by their ids, which begin
// with the time.
func purge(a app.App) func(context.Context) error {
	return func(ctx context.Context) error {
		before, err := uuid.NewV7AtTime(a.DB.NowFunc().Add(-config.Of[Settings](a.Settings).Keep))
		if err != nil {
			return err
		}
		deleted, err := database.InBatches(ctx, database.BatchPause, func() *gorm.DB {
			old := a.DB.Model(&Event{}).Select("id").Where("id < ?", before).Limit(database.BatchSize)
			return a.DB.WithContext(ctx).Where("id IN (?)", old).Delete(&Event{})
		})
		if deleted > 0 {
			a.Log.Info("old events deleted", "count", deleted)
		}
		return err
	}
}
