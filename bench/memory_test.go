package main

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// BenchmarkRemembered measures the memory of jwt.max_remembered: the bytes of a cached
// session with its user and its token. Each session has its own user.
func BenchmarkRemembered(b *testing.B) {
	const many = 50_000
	settings := settings()
	settings.JWT.RevocationLag, settings.JWT.MaxRemembered = time.Hour, many
	db, _ := withUser(b)
	services, now := accounts.NewServices(settings, db), db.NowFunc()
	users, rows := make([]models.User, many), make([]models.Session, many)
	for i := range rows {
		users[i] = models.User{Base: models.Base{ID: uuid.Must(uuid.NewV7())}, Email: models.Email(fmt.Sprint(i, "@example.com")), Role: models.RoleUser}
		rows[i] = models.Session{Base: models.Base{ID: uuid.Must(uuid.NewV7())}, UserID: users[i].ID, LastUsedAt: now, ExpiresAt: now.Add(time.Hour)}
	}
	if err := db.CreateInBatches(users, 500).Error; err != nil {
		b.Fatal(err)
	}
	if err := db.CreateInBatches(rows, 500).Error; err != nil {
		b.Fatal(err)
	}
	before := heap()
	for b.Loop() {
		for _, row := range rows {
			made, err := services.Tokens.Issue(token.Claims{Subject: row.UserID, Session: row.ID})
			if err != nil {
				b.Fatal(err)
			}
			claims, err := services.Tokens.Verify(made)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := services.Sessions.User(b.Context(), claims); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric((heap()-before)/many, "B/session")
	runtime.KeepAlive([]any{services, users, rows})
}

// heap returns the bytes in use.
func heap() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
