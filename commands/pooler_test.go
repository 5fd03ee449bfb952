package commands_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"example.com/latchkey/apptest"
)

// pooled returns the URL of a new database behind PgBouncer in transaction mode, which
// runs until the test ends.
func pooled(t *testing.T) string {
	t.Helper()
	if !apptest.OnPostgreSQL() {
		t.Skip("this is for PostgreSQL only")
	}
	program, err := exec.LookPath("pgbouncer")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("PgBouncer is not installed")
	}
	server, urlErr := url.Parse(apptest.Server())
	address, addressErr := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	folder, folderErr := os.MkdirTemp("", "pgbouncer-")                                        //nolint:usetesting // another account must read it
	for _, err := range []error{err, urlErr, addressErr, folderErr, os.Chmod(folder, 0o755)} { //nolint:gosec // the same
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	_ = address.Close()
	host, port, _ := net.SplitHostPort(address.Addr().String())
	settings := fmt.Sprintf("[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr = %s\nlisten_port = %s\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 5\n",
		server.Hostname(), server.Port(), server.User.Username(), host, port)
	file := filepath.Join(folder, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	command := []string{program, "-q", file}
	if os.Geteuid() == 0 { // PgBouncer does not run as root
		command = append([]string{"runuser", "-u", "postgres", "--"}, command...)
	}
	run := exec.CommandContext(t.Context(), command[0], command[1:]...) //nolint:gosec // the command above
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}               // to end the child of runuser too
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-run.Process.Pid, syscall.SIGTERM); _ = run.Wait() })
	apptest.Await(t, "PgBouncer listens", func() bool {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	apptest.Exec(t, apptest.Server(), "CREATE DATABASE pooled")
	t.Cleanup(func() { apptest.Exec(t, apptest.Server(), "DROP DATABASE pooled WITH (FORCE)") })
	return fmt.Sprintf("postgres://%s@%s/pooled?sslmode=disable", server.User.Username(), address.Addr())
}

func TestTheProgramRunsBehindAPoolerInTransactionMode(t *testing.T) {
	folder, databaseURL := t.TempDir(), "APP_DATABASE_URL="+pooled(t)
	if _, faults, code := run(t, folder, []string{databaseURL}, "migrate", "status"); code != 1 || !strings.Contains(faults, "set database.pooled to true") {
		t.Errorf("without database.pooled: exit %d, %s", code, faults)
	}
	s := launch(t, folder, databaseURL, "APP_DATABASE_POOLED=true", "APP_DATABASE_MAX_CONNECTIONS=20", "APP_JWT_REVOCATION_LAG=0s").await()
	s.want(201, "POST", "/register", credentials("ada@example.com"))
	var group sync.WaitGroup
	for range 20 { // more than the pooler has connections
		group.Go(func() {
			token, refresh := s.tokens("/login", credentials("ada@example.com"))
			s.want(200, "GET", "/protected", "", "Authorization", "Bearer "+token)
			token, _ = s.tokens("/refresh", `{"refresh_token":"`+refresh+`"}`)
			s.want(204, "POST", "/logout", "", "Authorization", "Bearer "+token)
			s.want(401, "GET", "/protected", "", "Authorization", "Bearer "+token)
		})
	}
	group.Wait()
	if log := s.printed(); strings.Contains(log, "notifications") {
		t.Errorf("it reports notifications: %s", log)
	}
}
