package throttle_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/throttle"
)

// After two wrong passwords for an account, a client has to wait.
func Example() {
	folder, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(folder)
	s, log := database.Defaults(), slog.New(slog.DiscardHandler)
	s.URL = "sqlite://" + filepath.Join(folder, "app.db")
	db, err := database.Open(s, database.Schema{throttle.CreateLoginFailures}, log)
	if err != nil {
		panic(err)
	}
	defer database.Close(db)
	fmt.Println(database.Migrate(db))

	keys := seal.Derive([]settings.Secret{settings.NewSecret()}, "login failures")
	limit := throttle.New(db, keys, throttle.Settings{MaxFailures: 2, Window: 15 * time.Minute})
	ctx := client.With(context.Background(), client.Client{IP: "192.0.2.1"})
	guess := throttle.Guess{Account: "ada@example.com"}
	for range 2 {
		fmt.Println(limit.Check(ctx, guess)) // then the password is compared, and is wrong
		fmt.Println(database.Transaction(db, func(tx *gorm.DB) error {
			_, err := limit.Fail(ctx, tx, guess)
			return err
		}))
	}
	fmt.Println(limit.Check(ctx, guess))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// too_many_attempts
}
