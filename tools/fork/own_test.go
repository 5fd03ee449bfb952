package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEachLeafOfTheKitCanBecomeTheProgramsOwn(t *testing.T) {
	t.Parallel()
	root := tree(t)
	first := map[string]string{"seal": "throttle ticket"}
	if err := makeOwn(root, "seal"); err == nil || !strings.Contains(err.Error(), "make own package=throttle") {
		t.Errorf("seal without throttle: %v", err)
	}
	for _, name := range leaves {
		t.Run(name, func(t *testing.T) {
			for _, name := range strings.Fields(first[name] + " " + name) {
				if err := makeOwn(root, name); err != nil {
					t.Fatal(err)
				}
			}
			if tests, err := filepath.Glob(filepath.Join(root, name, "*_test.go")); err != nil || len(tests) > 0 {
				t.Errorf("%v was copied, %v", tests, err)
			}
			if left, err := try(t, root, "git", "grep", "-n", "--untracked", `"`+kitModule+"/"+name+`"`, "--", "*.go", ":!kit"); err == nil {
				t.Errorf("left: %s", left)
			}
			if changed := run(t, root, "git", "status", "--porcelain", "--", "kit"); changed != "" {
				t.Errorf("it changed %s", changed)
			}
			compiles(t, root)
			run(t, root, "git", "checkout", "-q", ".")
			run(t, root, "git", "clean", "-dfq")
		})
	}
}

func TestWhatTheProgramSharesWithTheKitStaysThere(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := os.Mkdir(filepath.Join(root, "totp"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"database": "two halves", "endpoint": "it must stay in the kit", "totp": "there is a folder totp/ already",
		"": "choose one of cli, email", "../models": "choose one of", "Mail": "choose one of",
	} {
		if err := makeOwn(root, name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", name, err, says)
		}
	}
	folders, err := os.ReadDir(filepath.Join(root, "kit"))
	for _, folder := range folders {
		if name := folder.Name(); folder.IsDir() && !slices.Contains(leaves, name) && sharedPackages[name] == "" {
			t.Errorf("nothing says whether kit/%s can be owned", name)
		}
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" || err != nil {
		t.Errorf("it changed %s, %v", changed, err)
	}
}

// A resource that is added later uses the program's own package too.
func TestAProgramWithItsOwnPackageOfTheKitWorks(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if says := run(t, root, "make", "own", "package=rows"); !strings.Contains(says, "rows/ is yours now: ") || strings.Contains(says, "still use the kit's") {
		t.Error(says)
	}
	if says := run(t, root, "make", "own", "package=token"); !strings.Contains(says, "These still use the kit's: kit/cli, kit/rows.\n") {
		t.Error(says)
	}
	if err := makeResource(root, "task", "", "title:string:filter,sort"); err != nil {
		t.Fatal(err)
	}
	run(t, root, "make", "-s", "openapi")
	run(t, root, "go", "mod", "tidy", "-diff")
	tests := run(t, root, "go", "test", "-vet=off", "-v", "./accounts", "./commands", "./config", "./middleware", "./migrations", "./routes")
	if !strings.Contains(tests, "--- PASS: TestAllRoutesHold/only_the_owner_reaches_a_row//tasks") {
		t.Error("the tests do not know that tasks have owners")
	}
}
