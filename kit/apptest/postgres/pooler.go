package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Pooler is a PgBouncer in transaction mode on a free port of the loopback interface.
type Pooler struct {
	Address string // host and port

	folder string
	guard  *exec.Cmd
	alive  io.Closer // what the guard reads from
}

// StartPooler starts pgbouncer, which must be in the PATH, in front of all databases
// of a server.
func StartPooler(ctx context.Context, server string) (*Pooler, error) {
	at, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pgbouncer-")
	if err != nil {
		return nil, err
	}
	p := &Pooler{Address: fmt.Sprintf("127.0.0.1:%d", port), folder: folder}
	// auth_query finds the users that tests create.
	settings := fmt.Sprintf("[databases]\n* = host=%s port=%s auth_user=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
		"auth_type = trust\nauth_file = %s/users\npool_mode = transaction\ndefault_pool_size = 5\n", at.Hostname(), at.Port(), account, port, folder)
	file := filepath.Join(folder, "pgbouncer.ini")
	//nolint:gosec // another account reads the folder
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(file, []byte(settings), 0o644), os.WriteFile(filepath.Join(folder, "users"), []byte(`"postgres" ""`), 0o644)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	// The shell stops the pooler when this process ends, even after a panic.
	words := []string{"sh", "-c", `trap "" INT TERM; pgbouncer -q "$0" & read -r _; kill $!`, file}
	if os.Geteuid() == 0 { // PgBouncer does not run as root
		words = append([]string{"runuser", "-u", account, "--"}, words...)
	}
	p.guard = exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the words above
	if p.alive, err = p.guard.StdinPipe(); err == nil {
		err = p.guard.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	for ctx.Err() == nil {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", p.Address)
		if err == nil {
			return p, c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, errors.Join(ctx.Err(), p.Stop())
}

// Stop stops the pooler.
func (p *Pooler) Stop() error {
	return errors.Join(p.alive.Close(), p.guard.Wait(), os.RemoveAll(p.folder))
}
