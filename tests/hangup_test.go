package tests

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
	"example.com/latchkey/parts"
	"example.com/latchkey/routes"
)

// Two clients wait for the database with the same request. The first disconnects.
func TestADisconnectedClientDoesNotAffectOthers(t *testing.T) {
	s := apptest.Settings()
	s.JWT.Secret, s.JWT.RevocationLag = settings.NewSecret(), 0
	s.Database = kit.NewDatabase(t)
	s.Database.MaxConnections = 1
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		db, err := database.Open(s.Database, app.Schema(parts.All()), log)
		if err == nil {
			t.Cleanup(func() { _ = database.Close(db) })
			err = database.Migrate(db)
		}
		services := accounts.NewServices(s, db)
		engine, failed := routes.Engine(app.New(app.App{Settings: s, Log: log, DB: db, Auth: services, Parts: parts.All()}))
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		refresh := func(ctx context.Context, token string) <-chan int {
			status := make(chan int, 1)
			go func() {
				request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/refresh", strings.NewReader(`{"refresh_token":"`+token+`"}`))
				request.Header.Set("Content-Type", "application/json")
				answer := httptest.NewRecorder()
				engine.ServeHTTP(answer, request)
				status <- answer.Code
			}()
			synctest.Wait() // for the request to wait
			return status
		}
		var tokens []string
		user := models.User{Email: "ada@example.com", Role: models.RoleUser}
		if err := db.Create(&user).Error; err != nil {
			t.Fatal(err)
		}
		for range 2 {
			session, err := services.Sessions.Start(db, user.ID, client.Client{})
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, services.Sessions.RefreshToken(session))
		}
		ctx, hangUp := context.WithCancel(t.Context())
		var left, stayed <-chan int
		err = db.Transaction(func(*gorm.DB) error { // keeps the connection busy
			left, stayed = refresh(ctx, tokens[0]), refresh(context.WithoutCancel(ctx), tokens[1])
			hangUp()
			synctest.Wait()
			return nil
		})
		if gone, got := <-left, <-stayed; err != nil || gone != 499 || got != 200 {
			t.Errorf("the disconnected client: %d; the other: %d, want 200; %v", gone, got, err)
		}
	})
}
