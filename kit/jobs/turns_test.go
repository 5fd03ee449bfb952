package jobs_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
)

// other is a job of another kind than named.
type other struct{}

func (other) Kind() string { return "other" }

func TestAThousandJobsOfOneKindDoNotDelayAnother(t *testing.T) {
	for claim, each := range map[string]time.Duration{"short ones": 5 * time.Millisecond, "long ones": time.Hour} {
		onClock(t, func(t *testing.T, open func() *gorm.DB) {
			db := open()
			add(t, db, make([]string, 1000)...)
			ran := make(chan time.Time, 3)
			start(t, db, 0,
				jobs.Handle(func(ctx context.Context, _ named) error {
					select {
					case <-ctx.Done():
					case <-time.After(each):
					}
					return nil
				}),
				jobs.Handle(func(context.Context, other) error {
					ran <- time.Now()
					return nil
				}))
			time.Sleep(time.Second) // the long ones have taken all they may, and most of the short ones wait
			begin := time.Now()
			err := database.Transaction(db, func(tx *gorm.DB) error {
				for range cap(ran) {
					if err := jobs.Add(tx, other{}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for range cap(ran) {
				if after := (<-ran).Sub(begin); after > 100*time.Millisecond {
					t.Errorf("%s: one of another kind began after %v", claim, after)
				}
			}
		})
	}
}
