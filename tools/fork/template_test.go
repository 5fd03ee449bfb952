package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// These tests try in copies of the tree what the template promises to forks. make
// rename deletes this file.

const (
	upstreamModule = "example.com/latchkey"
	forkModule     = "github.com/acme/corner-shop"
)

func edit(t *testing.T, file, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatal(file, " has no ", old, err)
	}
	write(t, file, strings.Replace(string(text), old, replacement, 1))
}

// addImports adds and removes imports, as an editor does.
func addImports(root, file string, source []byte) []byte {
	packages := []string{}
	for _, name := range []string{"database", "endpoint", "jobs", "problem", "rows"} {
		packages = append(packages, kitModule+"/"+name)
	}
	for _, name := range []string{"accounts", "app", "config", "handlers", "middleware", "models"} {
		packages = append(packages, modulePath(root)+"/"+name)
	}
	return fixImports(root, file, source, packages...)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Resources with every type and rule, unusual plurals, two words, and two parents.
var resources = [][]string{
	{"make", "resource", "name=task", "fields=title:string:required,max=80,sort details:text state:string:oneof=open|done,filter contact:string?:email " +
		"count:int:required,min=1,max=9 rank:int? weight:float:min=-1.5 price:float?:min=0 done:bool sure:bool:required maybe:bool? " +
		"starts_at:time:sort due_at:time?:sort ref:uuid other_ref:uuid? website_url:string:min=3 slug:string?:unique order:int?:unique,filter,sort"},
	{"make", "resource", "name=sales_person", "access=shared", "fields=name:string:required,unique code:string:unique,min=2,max=2"},
	{"make", "resource", "name=tax_rate", "access=admin", "fields=percent:float:min=0,max=100,sort"},
	{"make", "resource", "name=canvas", "fields=label:string:unique"}, // its plural is the same word
	{"make", "resource", "name=status", "fields=order:int:unique"},
	{"make", "resource", "name=comment", "fields=task:references sales_person:references? text:text:required"},
}

// The example is a resource that is a part.
func TestTheGeneratorWritesTheExample(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := do(root, "resource", "name=note", "part=notes", "fields=title:string"); err == nil || !strings.Contains(err.Error(), "there is a part of that name already") {
		t.Errorf("the part exists: %v", err)
	}
	run(t, root, "rm", "-r", "parts/notes", "docs/openapi.json")
	edit(t, filepath.Join(root, "parts/parts.go"), "\t\tnotes.Part(),\n", "")
	write(t, filepath.Join(root, "docs/openapi.json"), "{}")
	if err := do(root, "resource", "name=note", "part=notes", "fields=title:string:required,max=200 body:text:max=10000"); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(root, "parts/notes/notes.go"), "with the notes of each user.", "with the example of a resource.")
	edit(t, filepath.Join(root, "parts/notes/migration.go"), time.Now().UTC().Format("20060102"), "20261123")
	if changed := run(t, root, "git", "diff", "--", "parts", ":!parts/notes/README.md"); changed != "" {
		t.Errorf("it would change %s", changed)
	}
}

func TestAPartIsRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := makeResource(root, "task", "", "title:string"); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add tasks")
	for part, says := range map[string]string{
		"events": "there is a part of that name already", "own": "there is a part of that name already", "my_shop": "use a short word", "Shop": "use a short word",
		"range": "use a short word", "linux": "use a short word", "row": "use a short word", "../x": "use a short word", "shop": "the table of a part is made before those of the project",
	} {
		if err := do(root, "resource", "name=item", "part="+part, "fields=task:references"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", part, err, says)
		}
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("it changed %s", changed)
	}
}

// A list that became empty can be filled again.
func TestTheLastResourceCanBeRemovedAndAddedAgain(t *testing.T) {
	t.Parallel()
	root := forked(t)
	add := func() error { return makeResource(root, "memo", "", "title:string:unique") }
	before := run(t, root, "git", "rev-parse", "HEAD")
	if err := add(); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add memos")
	if err := makeRemove(root, "memo"); err != nil {
		t.Fatal(err)
	}
	if changed := run(t, root, "git", "diff", before, "--", "routes", "migrations", "models", "handlers"); changed != "" {
		t.Error(changed)
	}
	if err := add(); err != nil {
		t.Fatal(err)
	}
	if changed := run(t, root, "git", "diff", "--", "routes", "migrations"); changed != "" {
		t.Error(changed)
	}
}

func TestAForkBeginsWithThePartsItWants(t *testing.T) {
	t.Parallel()
	root := tree(t)
	for _, c := range []struct{ given, says string }{
		{"without=totp nothing", "nothing: there is no such resource; the parts that can be removed are apikeys, backup, bench, browser, docs, events, kubernetes, mail, metrics, notes, oauth, oidc, tests, totp"},
		{"only=nothing", "nothing: there is no such resource; the parts"},
		{"without=own", "parts/own is for your own code"},
		{"keep=all", "only tests and bench can be kept"},
		{"only=mail|without=totp", "contradict"},
		{"without=mail|keep=tests", "what it keeps needs a part that you leave out"},
	} {
		if err := do(root, "rename", append(strings.Split(c.given, "|"), "module="+forkModule)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", c.given, err, c.says)
		}
		if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
			t.Fatalf("%s: it changed %s", c.given, changed)
		}
	}
	run(t, root, "make", "rename", "module="+forkModule, "only=events")
	if left := strings.Join(partsOf(root), " "); left != "events" || !exists(root, "parts/own/own.go") || !exists(root, "deploy/kubernetes") {
		t.Errorf("the parts are %s", left)
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("not committed: %s", changed)
	}
	compiles(t, root)
}

func TestTheTemplateWorksWithoutAllParts(t *testing.T) {
	t.Parallel()
	root := tree(t)
	run(t, root, "make", "rename", "module="+forkModule, "only=own")
	run(t, root, "make", "remove", "name=kubernetes")
	edit(t, filepath.Join(root, "config.yaml"), "  open: true", "  open: false") // its own settings make no test fail
	commit(t, root, "Remove it, and close the registration")
	run(t, root, "go", "mod", "tidy", "-diff")
	run(t, root, "go", "test", "-vet=off", "./...") // make lint includes go vet
	for part, pattern := range wordsOf {
		wantNoWord(t, root, part, pattern)
	}
	run(t, root, "make", "lint")
}

func TestAForkIsRenamedExtendedAndUpdated(t *testing.T) {
	t.Parallel()
	upstream := tree(t)
	fork := filepath.Join(t.TempDir(), "shop")
	run(t, ".", "git", "clone", "-q", upstream, fork)

	edit(t, filepath.Join(fork, "README.md"), "#", "# ")
	if out, err := try(t, fork, "make", "rename", "module="+forkModule); err == nil || !strings.Contains(out, "commit or stash your changes first") {
		t.Errorf("a dirty tree: %v, %s", err, out)
	}
	run(t, fork, "git", "checkout", "-q", ".")
	if out, err := try(t, fork, "make", "rename", "module=Shop!"); err == nil || !strings.Contains(out, "such as module=github.com/me/shop") {
		t.Errorf("no module: %v, %s", err, out)
	}

	if next := run(t, fork, "make", "rename", "module="+forkModule); strings.Count(next, "\n") > 2 || !strings.Contains(next, "\nNext: ") {
		t.Errorf("make rename prints %s", next)
	}
	for line := range strings.SplitSeq(run(t, fork, "git", "grep", "-i", "latchkey", "--", ":!kit", ":!LICENSE"), "\n") {
		if strings.Contains(strings.ToLower(strings.ReplaceAll(line, kitModule, "")), "latchkey") {
			t.Errorf("the old name is left in %s", line)
		}
	}
	if changed := run(t, fork, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("not committed: %s", changed)
	}
	for _, resource := range resources {
		// MAKE=true leaves out make openapi, which the page's commands run.
		if next := run(t, fork, append(resource, "MAKE=true")...); strings.Count(next, "\n") > 2 || !strings.Contains(next, "\nNext: ") {
			t.Errorf("make resource prints %s", next)
		}
	}
	extend(t, fork, "docs/extending.md")
	extend(t, fork, "docs/parts.md")
	commit(t, fork, "Add our resources")
	run(t, fork, "make", "lint")
	compiles(t, filepath.Join(fork, "tools/e2e"))
	run(t, fork, "make", "build")
	run(t, fork, "go", "test", "-vet=off", "./...") // make lint includes go vet
	if _, err := exec.LookPath("initdb"); err == nil {
		run(t, fork, "env", "TEST_DATABASE_URL=postgres://", "go", "test", "-vet=off", "-run=Migration|Resource|Owner|Change|Lists|Tasks|SalesPeople|Comments|TaxRates", "./migrations", "./routes")
	}
	if version := run(t, fork, "bin/corner-shop", "--version"); !strings.HasPrefix(version, "corner-shop ") {
		t.Errorf("the program is named %s", version)
	}
	walk(t, fork)

	// The template changes its description and a test, and adds a file.
	edit(t, filepath.Join(upstream, "routes/routes.go"), "Press Authorize to log in.", "Press Authorize first.")
	edit(t, filepath.Join(upstream, "routes/login_test.go"), "package routes_test", "// Fixed.\npackage routes_test")
	if err := os.WriteFile(filepath.Join(upstream, "routes/added.go"), []byte("package routes\n\nimport _ \""+upstreamModule+"/models\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, upstream, "make", "openapi")
	commit(t, upstream, "Fix a line")
	run(t, fork, "make", "update-template", "upstream="+upstream)
	if got := run(t, fork, "git", "show", "HEAD:routes/added.go"); !strings.Contains(got, forkModule+"/models") {
		t.Errorf("the new file is %s", got)
	}
	if again := run(t, fork, "make", "update-template"); !strings.Contains(again, "The template has no new changes.") {
		t.Errorf("again: %s", again)
	}
	run(t, fork, "go", "test", "-vet=off", "-run=Document|Route", "./routes")
	run(t, fork, "git", "grep", "-q", "Press Authorize first", "--", "routes", "docs/openapi.json")

	// Both change the same line.
	edit(t, filepath.Join(upstream, "routes/routes.go"), "Press Authorize first.", "Press Authorize.")
	commit(t, upstream, "Shorten a line")
	edit(t, filepath.Join(fork, "routes/routes.go"), "Press Authorize first.", "Sign in first.")
	commit(t, fork, "Use our words")
	out, err := try(t, fork, "make", "update-template")
	if err == nil || !strings.Contains(out, "  routes/routes.go\n") || !strings.Contains(out, "git cherry-pick --continue") {
		t.Errorf("a conflict: %v, %s", err, out)
	}
	if marked := run(t, fork, "git", "diff", "routes/routes.go"); !strings.Contains(marked, "<<<<<<<") || !strings.Contains(marked, "Sign in first.") {
		t.Errorf("git shows %s", marked)
	}
	run(t, fork, "git", "cherry-pick", "--abort")
}

func TestEveryKindOfForkCanBeUpdated(t *testing.T) {
	t.Parallel()
	for claim, begin := range map[string][][]string{
		"without the template's history": {{"rm", "-rf", ".git"}, {"git", "init", "-q"}, {"git", "add", "-A"}, {"git", "commit", "-qm", "Begin"}, {"make", "rename", "module=" + forkModule}},
		"renamed after its first change": {{"git", "commit", "-q", "--allow-empty", "-m", "Ours"}, {"make", "rename", "module=" + forkModule, "keep=bench"}},
		"under the template's name":      {},
		"in a folder of a repository":    {{"rm", "-rf", ".git"}, {"git", "init", "-q", "../.."}, {"git", "add", "-A"}, {"git", "commit", "-qm", "Begin"}, {"make", "rename", "module=" + forkModule}},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			upstream, fork := tree(t), filepath.Join(t.TempDir(), "all of it", "a shop (new)")
			run(t, ".", "git", "clone", "-q", upstream, fork)
			for _, command := range begin {
				run(t, fork, command...)
			}
			title := map[bool]string{true: "# Corner Shop", false: "# Latchkey"}[len(begin) > 0]
			edit(t, filepath.Join(fork, "README.md"), title, "# The Corner Shop")
			commit(t, fork, "Rename the title")
			for _, words := range []string{"Is the server alive", "Is it alive"} {
				edit(t, filepath.Join(upstream, "docs/openapi.md"), map[string]string{"Is the server alive": "Is the process alive", "Is it alive": "Is the server alive"}[words], words)
				edit(t, filepath.Join(upstream, "bench/main.go"), "package main", "// "+words+"\npackage main")
				commit(t, upstream, "Change the summary")
				run(t, fork, "make", "update-template", "upstream="+upstream)
				if text := run(t, fork, "git", "show", "HEAD:./README.md", "HEAD:./docs/openapi.md"); !strings.HasPrefix(text, "# The Corner Shop") || !strings.Contains(text, words) {
					t.Error(text[:200])
				}
				if outside := run(t, fork, "git", "ls-files", ":/", ":!."); outside != "" {
					t.Errorf("written outside of the project: %s", outside)
				}
				kept := !strings.Contains(claim, "without") && !strings.Contains(claim, "folder")
				if _, err := os.Stat(filepath.Join(fork, "bench/main.go")); (err == nil) != kept {
					t.Errorf("bench is kept: %v, want %v", err == nil, kept)
				}
			}
		})
	}
}

// start starts a program in a folder of its own, and waits until it listens. stop lets it
// end its requests.
func start(t *testing.T, program string, environ ...string) (url, folder string, stop func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	server := exec.CommandContext(t.Context(), program)
	server.Dir = t.TempDir()
	server.Env = append(append(os.Environ(), "APP_SERVER_ADDRESS="+address), environ...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	})
	t.Cleanup(stop)
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = connection.Close()
			return "http://" + address, server.Dir, stop
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// A collector of the test receives a span of a request.
func TestTracesAreSentAsThePageSays(t *testing.T) {
	t.Parallel()
	root := tree(t)
	extend(t, root, "docs/tracing.md")
	run(t, root, "go", "build", "-o", "bin/traced", ".")
	spans := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		spans <- r.URL.Path + " " + string(body)
	}))
	t.Cleanup(collector.Close)
	url, _, stop := start(t, filepath.Join(root, "bin/traced"), "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_SERVICE_NAME=shop")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/protected", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-"+hex.EncodeToString([]byte("sixteen letters!"))+"-"+hex.EncodeToString([]byte("a parent"))+"-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	stop() // which sends the spans first
	close(spans)
	all := ""
	for span := range spans {
		all += span
	}
	for _, words := range []string{"/v1/traces ", "shop", "GET /protected", "sixteen letters!", "a parent"} {
		if !strings.Contains(all, words) {
			t.Errorf("%q is not in %q", words, all)
		}
	}
}

// walk calls every route of the new resources.
func walk(t *testing.T, fork string) {
	t.Helper()
	url, folder, _ := start(t, filepath.Join(fork, "bin/corner-shop"))
	token := ""
	send := func(status int, method, path, body string) (answer map[string]any) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&answer); (err != nil && status != http.StatusNoContent) || response.StatusCode != status {
			t.Fatalf("%s %s: %d %v %v", method, path, response.StatusCode, answer, err)
		}
		return answer
	}
	send(201, "POST", "/register", `{"email":"ada@example.com","password":"correct horse"}`)
	token = send(200, "POST", "/login", `{"email":"ada@example.com","password":"correct horse"}`)["access_token"].(string)
	task := send(201, "POST", "/tasks", `{"title":"Sweep","state":"open","count":1,"sure":false,"starts_at":"2026-11-23T12:00:00+01:00","ref":"01900000-0000-7000-8000-000000000000","website_url":"https://example.com"}`)
	send(403, "POST", "/sales_people", `{"name":"Eve","code":"ev"}`)
	send(403, "GET", "/tax_rates", "")
	promote := exec.CommandContext(t.Context(), filepath.Join(fork, "bin/corner-shop"), "user", "promote", "ada@example.com")
	promote.Dir = folder
	if out, err := promote.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	token = send(200, "POST", "/login", `{"email":"ada@example.com","password":"correct horse"}`)["access_token"].(string)
	person := send(201, "POST", "/sales_people", `{"name":"Eve","code":"ev"}`)
	if got := fmt.Sprint(send(409, "POST", "/sales_people", `{"name":"Eve","code":"bo"}`)); !strings.Contains(got, "already_exists") || !strings.Contains(got, "[map[field:name message:is taken]]") {
		t.Errorf("a second Eve: %s", got)
	}
	send(201, "POST", "/tax_rates", `{"percent":19}`)
	comment := send(201, "POST", "/comments", `{"task_id":"`+task["id"].(string)+`","sales_person_id":"`+person["id"].(string)+`","text":"Done?"}`)
	send(200, "PATCH", "/tasks/"+task["id"].(string), `{"done":true,"due_at":"2026-11-24T12:00:00Z"}`)
	if got := send(200, "PATCH", "/tasks/"+task["id"].(string), `{"due_at":null}`); got["due_at"] != nil || got["done"] != true || got["starts_at"] != "2026-11-23T11:00:00.000000Z" {
		t.Errorf("the task is %v", got)
	}
	listTasks(t, send)
	send(204, "DELETE", "/sales_people/"+person["id"].(string), "")
	if got := send(200, "GET", "/comments?task_id="+task["id"].(string), ""); len(got["items"].([]any)) != 1 || got["items"].([]any)[0].(map[string]any)["sales_person_id"] != nil {
		t.Errorf("without its person: %v", got)
	}
	send(204, "DELETE", "/tasks/"+task["id"].(string), "")
	send(404, "GET", "/comments/"+comment["id"].(string), "") // it was deleted with its task
	send(200, "GET", "/sales_people", "")
}

// listTasks lists the tasks in every order and with every filter, one on each page.
func listTasks(t *testing.T, send func(status int, method, path, body string) map[string]any) {
	t.Helper()
	const more = `,"state":"done","count":1,"sure":false,"starts_at":"2026-11-23T12:00:00Z","ref":"01900000-0000-7000-8000-000000000000","website_url":"https://example.com"}`
	send(201, "POST", "/tasks", `{"title":"Mop","due_at":"2026-11-25T12:00:00Z"`+more)
	send(201, "POST", "/tasks", `{"title":"Dust"`+more)
	for query, want := range map[string]string{
		"sort=title":             "Dust Mop Sweep",
		"sort=-title":            "Sweep Mop Dust",
		"sort=due_at":            "Mop Sweep Dust",
		"sort=-due_at":           "Dust Sweep Mop",
		"sort=-created_at":       "Dust Mop Sweep",
		"state=done&sort=title":  "Dust Mop",
		"state=open&order=5":     "",
		"starts_at=is-no-filter": "Dust Mop Sweep",
	} {
		var titles []string
		for path := "/tasks?limit=1&" + query; path != ""; {
			list := send(200, "GET", path, "")
			for _, item := range list["items"].([]any) {
				titles = append(titles, item.(map[string]any)["title"].(string))
			}
			if path = ""; list["next_cursor"] != nil {
				path = "/tasks?limit=1&" + query + "&cursor=" + list["next_cursor"].(string)
			}
		}
		if got := strings.Join(titles, " "); got != want {
			t.Errorf("%s lists %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"sort=details", "sort=owner_id", "sort=", "state=closed", "order=x"} {
		send(422, "GET", "/tasks?"+query, "")
	}
}

// A step is a command, a whole file, or lines of one.
var (
	step   = regexp.MustCompile("(?s)([^\n]+):\n\n```(?:go|yaml)\n(.*?)```|```sh\n(.*?)```")
	inside = regexp.MustCompile("^In `([^`]+)`, (at the end of the list|below|instead of)(?: `(.+)`)?$")
	inFile = regexp.MustCompile("`([^`]+)`$")
)

// extend follows the steps of a page exactly.
func extend(t *testing.T, root, page string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range step.FindAllStringSubmatch(string(text), -1) {
		where, code := found[1], found[2]
		if command := found[3]; command != "" {
			run(t, root, "sh", "-ec", command)
			continue
		}
		place := inside.FindStringSubmatch(where)
		if place == nil {
			file := filepath.Join(root, inFile.FindStringSubmatch(where)[1])
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, file, code)
			continue
		}
		file, line := place[1], regexp.MustCompile("(?m)^\t}\n") // the end of a list
		if place[3] != "" {
			line = regexp.MustCompile("(?m)^.*" + regexp.QuoteMeta(place[3]) + ".*\n")
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		at := line.FindIndex(text)
		if err != nil || at == nil {
			t.Fatalf("%s: %v, %v", where, at, err)
		}
		switch place[2] {
		case "at the end of the list":
			at[1] = at[0]
		case "below":
			at[0] = at[1]
		}
		edited := slices.Concat(text[:at[0]], []byte(code), text[at[1]:])
		if filepath.Ext(file) == ".go" {
			edited = addImports(root, file, edited)
		}
		write(t, filepath.Join(root, file), string(edited))
	}
}
