//go:build unix

package readme

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	first, second, third = "127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:9464"

	mark = "=== the next command ==="

	hung = 5 * time.Minute // what takes longer does not end
)

// TestReadme runs the console blocks of the README, and then those of each page of
// docs/ in a shell of its own, against the server of `make run`. In the output, …
// stands for anything. There may be more spaces, because a fork's routes may make a
// column wider, and more members of JSON.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: the commands of README and docs/ were not run")
	}
	if mine, err := os.ReadFile(".env"); err == nil { // its values are not those of the README
		for _, name := range regexp.MustCompile(`(?m)APP_\w+`).FindAllString(string(mine), -1) {
			t.Setenv(name, "")
		}
	}
	addresses := strings.NewReplacer(first, freeAddress(t), second, freeAddress(t), third, freeAddress(t))
	t.Setenv("APP_DATABASE_URL", "sqlite://"+t.TempDir()+"/app.db")
	t.Setenv("APP_JWT_SECRET", "hL3vQmZ8rT1xWc6yBn0kGd4sJf7pUa2e")
	t.Setenv("APP_PASSWORD_BCRYPT_COST", "4")
	t.Setenv("TMPDIR", t.TempDir()) // for mktemp
	start(t, "make run", "APP_SERVER_ADDRESS="+addresses.Replace(first))
	waitFor(t, addresses.Replace(first))

	commands, script := readPages(t)
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", addresses.Replace(script)) //nolint:gosec // the pages are ours
	shell.WaitDelay = time.Second
	got, _ := shell.CombinedOutput() // some commands are to fail
	if ctx.Err() != nil {
		t.Errorf("the commands did not end in %v", hung)
	}
	outputs := strings.Split(string(got), mark+"\n")
	unchecked := map[string]bool{} // pages that need a program that is missing
	for i, command := range commands {
		output := outputs[min(i, len(outputs)-1)]
		if missing := regexp.MustCompile(`(\w+): command not found`).FindString(output); missing != "" && os.Getenv("CI") == "" {
			t.Logf("%s: %s, so its commands from here on were not checked", command.page, missing)
			unchecked[command.page] = true
		}
		if !unchecked[command.page] && (i >= len(outputs) || !pattern(command.want).MatchString(strings.ReplaceAll(output, "\r", ""))) {
			t.Errorf("$ %s\nprinted %q, and the page says %q", command.text, output, command.want)
		}
	}
}

// command is a command of a page, and what it should print.
type command struct{ page, text, want string }

// TestReadmeRoute adds the README's route as it says, and runs the tests that
// walk the table.
func TestReadmeRoute(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("routes/own.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	first := "table := []endpoint.Route{"
	if !strings.Contains(string(table), `/handlers"`) { // which an editor would add
		module := regexp.MustCompile(`(?m)^module (\S+)`).FindStringSubmatch(read(t, "go.mod"))[1]
		table = regexp.MustCompile(`"\S+/endpoint"`).ReplaceAll(table, []byte("$0\n\t\""+module+"/handlers\""))
	}
	overlay := map[string]string{}
	for name, text := range map[string]string{
		"handlers/greetings.go": blocks[0][1],
		"routes/own.go":         strings.Replace(string(table), first, first+"\n"+blocks[1][1], 1),
	} {
		written := filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(written, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[name] = written
	}
	replace, _ := json.Marshal(map[string]any{"Replace": overlay})
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), "go", "test", "-v", "-overlay", file, "-run", "AllRoutesHold|RefusesEveryBadToken", "./routes", "./tests").CombinedOutput() //nolint:gosec // a file of its own
	if err != nil || !strings.Contains(string(got), "GET_/greeting/expired") {
		t.Errorf("%v:\n%s", err, got)
	}
}

// readPages returns the commands of all console blocks, and the script that runs them.
func readPages(t *testing.T) (commands []command, script string) {
	pages, err := pagesOf()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append([]string{"README.md"}, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			for _, part := range strings.Split("\n"+block[1], "\n$ ")[1:] {
				text, want, _ := strings.Cut(part, "\n")
				commands = append(commands, command{page, text, strings.TrimRight(want, " \n")})
				lines.WriteString(text + "\necho '" + mark + "'\n")
			}
		}
		if page != "README.md" && lines.Len() > 0 {
			script += "(\n" + lines.String() + ")\n"
		} else {
			script += lines.String()
		}
	}
	return commands, script
}

var spaces, member = regexp.MustCompile(" +"), regexp.MustCompile(`,"|\\}`)

func pattern(want string) *regexp.Regexp {
	loose := strings.NewReplacer("\n…", `(\n.*)*`, "…", ".*").Replace(regexp.QuoteMeta(want))
	loose = member.ReplaceAllString(loose, `(,"\w+":[^,}]*)*$0`)
	return regexp.MustCompile("^" + spaces.ReplaceAllString(loose, " +") + `\s*$`)
}

func freeAddress(t *testing.T) string {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start runs a command, and ends it with all that it started.
func start(t *testing.T, command string, env ...string) {
	words := strings.Fields(command)
	process := exec.CommandContext(context.Background(), words[0], words[1:]...) //nolint:gosec // the README's own
	process.Env = append(os.Environ(), env...)
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGTERM)
		_ = process.Wait()
	})
}

func waitFor(t *testing.T, address string) {
	for deadline := time.Now().Add(hung); ; time.Sleep(50 * time.Millisecond) {
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
			_ = c.Close()
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("nothing listens at %s: %v", address, err)
		}
	}
}

// TestLinks checks that the pages and the README link to files that exist.
func TestLinks(t *testing.T) {
	pages, err := pagesOf()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "AGENTS.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "")
		for _, link := range regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`).FindAllStringSubmatch(prose, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil { //nolint:gosec // the pages are ours
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// pagesOf are the pages of docs/ and of the parts.
func pagesOf() ([]string, error) {
	pages, err := filepath.Glob("docs/*.md")
	parts, partsErr := filepath.Glob("parts/*/README.md")
	return append(pages, parts...), errors.Join(err, partsErr)
}
