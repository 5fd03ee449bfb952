package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// forked is a renamed copy of the template.
func forked(t *testing.T) string {
	t.Helper()
	root := tree(t)
	if err := makeRename(root, forkModule, ""); err != nil {
		t.Fatal(err)
	}
	return root
}

// wordsOf finds what only a part has, in code, pages, settings and help. The texts of mails
// may say what another part did, if it is there.
var wordsOf = map[string]string{
	"apikeys": `parts/apikeys|apikeys\.|[aA][pP][iI] keys?\b|APIKey|KeyCreated|"/keys|corner_shop_|too_many_keys`,
	"backup":  `parts/backup|backup\.Part|db backup|back up or restore|corner-shop-backup`,
	"browser": `parts/browser|browser\.(Part|origins)|__Host-|session cookie|"session": ?"cookie"|create_browser_sessions`,
	"docs":    `parts/docs|docs\.Part|swgui|server\.docs|8080/docs|"/docs|/openapi\.json are`,
	"events":  `parts/events|events\.Part|events\.keep|"/(me/)?events|^(GET|POST) +/(me/)?events|create_events`,
	"mail":    `parts/mail|mail\.Part|mail\.url|APP_MAIL|/dev/mail|password/forgot|verify_url|go-(mail|smtp)|email/verif|EmailUnverified`,
	"metrics": `parts/metrics|metrics\.Part|[pP]rometheus|metrics_address|[gG]rafana|/debug/pprof`,
	"notes":   `parts/notes|notes\.Part|"/notes|8080/notes|^[A-Z]+ +/notes|create_notes|NoteList`,
	"oauth":   `parts/oauth|oauth\.Part|"/token"|"/revoke"|/token\b.*OAuth2|oauth-authorization-server|tokenUrl`,
	"oidc":    `parts/oidc|oidc\.(Part|providers)|me/identities|/login/:provider|create_identities|OpenID`,
	"totp":    `parts/totp|totp\.Part|/me/totp|totp-off|RecoveryCode|recovery codes|create_totp`,

	"kubernetes": `deploy/kubernetes|tools/kubernetes|kustomize|kubectl`,
}

func wantNoWord(t *testing.T, root, part, pattern string) {
	t.Helper()
	found, err := try(t, root, "git", "grep", "--untracked", "-nE", pattern, "--", ":!tools", ":!kit", ":!CHANGELOG.md", ":!docs/removing.md", ":!*.svg", ":!parts/mail/mails", ":!parts/mail/texts_test.go", ":!parts/oidc/*_test.go")
	if failed := new(exec.ExitError); err == nil || !errors.As(err, &failed) || failed.ExitCode() != 1 {
		t.Errorf("%s is left: %s %v", part, found, err)
	}
}

func TestEachPartCanBeRemoved(t *testing.T) {
	t.Parallel()
	for _, part := range append(partsOf("../.."), "kubernetes") {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			root := forked(t)
			before, err := try(t, root, "git", "grep", "-cE", wordsOf[part], "--", ":!tools", ":!kit")
			if err != nil {
				t.Fatalf("the words of the part are not in the fork: %s", before)
			}
			if err := makeRemove(root, part); err != nil { // compiles the rest and its tests
				t.Fatal(err)
			}
			wantNoWord(t, root, part, wordsOf[part])
			if exists(root, "parts/"+part) {
				t.Error("its folder is left")
			}
			help := run(t, root, "go", "run", ".", "--help") + run(t, root, "go", "run", ".", "user", "--help") + run(t, root, "make", "help")
			if named := regexp.MustCompile(wordsOf[part]).FindString(help); named != "" {
				t.Errorf("the help says %s in\n%s", named, help)
			}
		})
	}
}

// A resource that is added and removed leaves nothing. Similar names stay.
func TestOnlyTheNamedResourceIsRemoved(t *testing.T) {
	t.Parallel()
	if err := makeRemove(tree(t), "mail"); err == nil || !strings.Contains(err.Error(), "make rename") {
		t.Errorf("before make rename: %v", err)
	}
	root := forked(t)
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alike := errors.Join(makeResource(root, "task_tag", "", "label:string"), makeResource(root, "subtask", "", "title:string"), makeResource(root, "gap", "", "x:int"))
	if err := errors.Join(alike, makeRemove(root, "gap")); err != nil {
		t.Fatal(err)
	}
	write("handlers/task_notes.go", "package handlers\n\nconst tasksPerPage = 20 // of tasks\n")
	commit(t, root, "Begin")
	if err := errors.Join(makeResource(root, "task", "shared", "title:string:required,unique"), makeResource(root, "step", "", "task:references")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(root, ownTests), "kit.Resource{}", "kit.Resource{\n\t\"/tasks\": {\n\t\tOrder: \"by title\",\n\t},\n}")
	commit(t, root, "Add tasks")
	refused := func(name, says string) {
		t.Helper()
		if err := makeRemove(root, name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", name, err, says)
		}
		if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
			t.Errorf("%s: it changed %s", name, changed)
		}
	}
	refused("task", "undefined: models.Task")
	refused("tas", "there is no such resource; the parts that can be removed are apikeys, backup, browser, docs, events, kubernetes, mail, metrics, notes, oauth, oidc, totp")
	refused("", "there is no such resource")
	refused("../task", "there is no such resource")
	refused("user", "changes the table users")
	refused("own", "parts/own is for your own code")
	steps, err := os.ReadFile(filepath.Join(root, "migrations/create_steps.go"))
	if err := errors.Join(err, makeRemove(root, "step")); err != nil {
		t.Fatal(err)
	}
	write("migrations/add_task_colour.go", strings.NewReplacer("createSteps", "addTaskColour", "steps", "tasks").Replace(string(steps)))
	commit(t, root, "Add a column")
	refused("task", "migrations/add_task_colour.go changes the table tasks: remove it first")
	run(t, root, "git", "rm", "-q", "migrations/add_task_colour.go")
	if err := makeRemove(root, "task"); err != nil {
		t.Fatal(err)
	}
	if left := run(t, root, "git", "diff", "--stat", "HEAD~2"); left != "" {
		t.Errorf("not as it was: %s", run(t, root, "git", "diff", "HEAD~2"))
	}
}

// A part is removed with its folder, so what uses it does not compile.
func TestAPartThatIsUsedStays(t *testing.T) {
	t.Parallel()
	root := forked(t)
	write(t, filepath.Join(root, "parts/own/uses.go"), "package own\n\nimport _ \""+forkModule+"/parts/notes\"\n")
	commit(t, root, "Use notes")
	if err := makeRemove(root, "notes totp"); err == nil || !strings.Contains(err.Error(), "parts/own/uses.go") {
		t.Error(err)
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("it changed %s", changed)
	}
}
