package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/apptest/postgres"
)

// pooled returns the URL of a new database behind PgBouncer in transaction mode, which
// runs until the test ends.
func pooled(t *testing.T) string {
	t.Helper()
	if !kit.OnPostgreSQL() {
		t.Skip("this is for PostgreSQL only")
	}
	if _, err := exec.LookPath("pgbouncer"); err != nil && os.Getenv("CI") == "" {
		t.Skip("PgBouncer is not installed")
	}
	pooler, err := postgres.StartPooler(t.Context(), kit.PostgresURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pooler.Stop() })
	kit.Exec(t, kit.PostgresURL(), "CREATE DATABASE pooled")
	t.Cleanup(func() { kit.Exec(t, kit.PostgresURL(), "DROP DATABASE pooled WITH (FORCE)") })
	return fmt.Sprintf("postgres://postgres@%s/pooled?sslmode=disable", pooler.Address)
}

func TestTheProgramRunsBehindAPoolerInTransactionMode(t *testing.T) {
	folder, databaseURL := t.TempDir(), "APP_DATABASE_URL="+pooled(t)
	if _, faults, code := kit.Run(t, folder, []string{databaseURL}, "migrate", "status"); code != 1 || !strings.Contains(faults, "set database.pooled to true") {
		t.Errorf("without database.pooled: exit %d, %s", code, faults)
	}
	s := apptest.Launch(t, folder, databaseURL, "APP_DATABASE_POOLED=true", "APP_DATABASE_MAX_CONNECTIONS=20", "APP_JWT_REVOCATION_LAG=0s").Await()
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	var group sync.WaitGroup
	for range 20 { // more than the pooler has connections
		group.Go(func() {
			token, refresh := s.Tokens("/login", apptest.Credentials("ada@example.com"))
			s.Want(200, "GET", "/protected", "", "Authorization", "Bearer "+token)
			token, _ = s.Tokens("/refresh", `{"refresh_token":"`+refresh+`"}`)
			s.Want(204, "POST", "/logout", "", "Authorization", "Bearer "+token)
			s.Want(401, "GET", "/protected", "", "Authorization", "Bearer "+token)
		})
	}
	group.Wait()
}
