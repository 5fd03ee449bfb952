package apptest

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
)

// SchemaOf returns everything that migrations make, in the words of the database.
func SchemaOf(t *testing.T, db *gorm.DB) (words []string) {
	t.Helper()
	query := "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
	if db.Name() == "postgres" {
		query = `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns WHERE table_schema = current_schema()
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
			UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
			UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
			UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace`
	}
	if err := db.Raw(query).Scan(&words).Error; err != nil {
		t.Fatal(err)
	}
	for i, word := range words { // GORM writes the constraints of a table in any order
		parts := strings.Split(strings.TrimSuffix(word, ")"), ",")
		slices.Sort(parts)
		words[i] = strings.Join(parts, ",")
	}
	slices.Sort(words)
	return words
}

// HoldMigrations fails the test unless each migration of the program is undone completely.
func (p *Program) HoldMigrations(t *testing.T) {
	t.Helper()
	db := p.Open(t, NewDatabase(t), slog.New(slog.DiscardHandler))
	all, err := database.Migrations(db)
	if err != nil || len(all) < 2 {
		t.Fatal(all, err)
	}
	before := SchemaOf(t, db)
	for i := range all {
		last := all[len(all)-1-i].ID
		if undone, err := database.Rollback(db); err != nil || undone != last {
			t.Fatalf("undone %q, want %s, %v", undone, last, err)
		}
		if pending, err := database.Pending(db); err != nil || len(pending) != i+1 || pending[0] != last {
			t.Fatalf("pending %q, %v", pending, err)
		}
	}
	for _, words := range SchemaOf(t, db) {
		if !strings.Contains(words, "migrations") {
			t.Errorf("still in the schema: %s", words)
		}
	}
	if undone, err := database.Rollback(db); err != nil || undone != "" {
		t.Errorf("without a migration, %q was undone, %v", undone, err)
	}
	if err := database.Migrate(db); err != nil {
		t.Fatal(err)
	}
	if after := SchemaOf(t, db); !slices.Equal(after, before) {
		t.Errorf("up, down and up again:\n%q\nup:\n%q", after, before)
	}
}
