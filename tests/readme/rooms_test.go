package readme

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestMain runs the tests in the folder of the project, whose pages they read.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestTheReadmeSaysHowMuchAForkOwnsAndImports(t *testing.T) {
	said := regexp.MustCompile(`owns ([\d,]+) lines of Go, with all parts, and imports ([\d,]+)`).FindStringSubmatch(read(t, "README.md"))
	if said == nil {
		t.Fatal("the README does not say it")
	}
	for i, is := range []int{
		lines(t, "main.go", "accounts", "app", "commands", "config", "handlers", "middleware", "migrations", "models", "parts", "routes"),
		lines(t, "kit") - lines(t, "kit/apptest"),
	} {
		says, err := strconv.Atoi(strings.ReplaceAll(said[i+1], ",", ""))
		if err != nil || says*100 < is*95 || says*100 > is*105 {
			t.Errorf("the README says %s, and it is %d", said[i+1], is)
		}
	}
}

// lines counts the lines of Go in rooms, without blank lines, comments and tests.
func lines(t *testing.T, rooms ...string) (count int) {
	t.Helper()
	for _, room := range rooms {
		err := filepath.WalkDir(room, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for line := range strings.Lines(read(t, path)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
					count++
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // of rooms that do not exist
			t.Fatal(err)
		}
	}
	return count
}
