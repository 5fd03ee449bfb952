package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// calls runs make in a copy whose path has spaces and parentheses, in a folder of a
// repository, with a go command that only writes its folder and its arguments, one a line.
func calls(t *testing.T, command string) (root, lines string) {
	t.Helper()
	from, to := tree(t), filepath.Join(t.TempDir(), "it's all (new)")
	root = filepath.Join(to, "a shop")
	run(t, ".", "mkdir", "-p", root+"/bin", to+"/fake")
	run(t, ".", "cp", "-r", from+"/.", root)
	run(t, ".", "rm", "-rf", root+"/.git")
	run(t, to, "git", "init", "-q")
	commit(t, to, "Begin")
	for _, program := range []string{to + "/fake/go", root + "/bin/latchkey"} {
		write(t, program, "#!/bin/sh\nprintf '%s\\n' \"$@\" \"$TEST_UPGRADE_FROM\" >> '"+strings.ReplaceAll(to, "'", `'\''`)+"/calls'\necho true\n")
		if err := os.Chmod(program, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run(t, root, "env", "PATH="+to+"/fake:"+os.Getenv("PATH"), "sh", "-c", command)
	text, err := os.ReadFile(filepath.Join(to, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	return root, string(text)
}

func TestMakeWorksInAnyFolder(t *testing.T) {
	t.Parallel()
	for command, want := range map[string][]string{
		"make fuzz":                    {"-test.fuzzcachedir={root}/bin/fuzz"},
		"make test-upgrade from=HEAD":  {"bin/before/a shop/", "{root}/bin/latchkey-before"},
		"make bench-compare base=HEAD": {"bin/base/a shop/bench"},
		"make lint dev":                {"golangci-lint", "air"},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			root, lines := calls(t, command)
			for _, line := range want {
				if line = strings.ReplaceAll(line, "{root}", root); !strings.Contains("\n"+lines, "\n"+line+"\n") {
					t.Errorf("no %s in\n%s", line, lines)
				}
			}
			if strings.Contains(lines, "-modfile") {
				t.Errorf("a vendor folder refuses -modfile:\n%s", lines)
			}
		})
	}
}

// The container's user is another one.
func TestTheSecretsCanBeReadInTheContainer(t *testing.T) {
	t.Parallel()
	root, _ := calls(t, "umask 077; make secrets")
	for name, want := range map[string]os.FileMode{"": 0o700, "jwt_secret": 0o644, "database_url": 0o644, "database_password": 0o644} {
		info, err := os.Stat(filepath.Join(root, "secrets", name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestTheHookOfAFolderIsFound(t *testing.T) {
	t.Parallel()
	root, _ := calls(t, "make hooks build")
	path := run(t, root, "git", "config", "core.hooksPath")
	hook := filepath.Join(filepath.Dir(root), path, "pre-push")
	run(t, filepath.Dir(root), "env", "PATH="+filepath.Dir(root)+"/fake:"+os.Getenv("PATH"), hook)
}
