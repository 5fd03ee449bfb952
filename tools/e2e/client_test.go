package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
)

// TestAClientIsGeneratedAndWorks follows docs/openapi.md: it generates a client, compiles
// it and uses it.
func TestAClientIsGeneratedAndWorks(t *testing.T) {
	app := apptest.New(t)
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	client := filepath.Join(folder, "client.gen.go")
	run("tool", "oapi-codegen", "-generate", "types,client", "-package", "drive", "-o", client, "../../docs/openapi.json")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{"drive/client.gen.go": client}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("API_URL", app.URL)
	if output := run("test", "-count=1", "-v", "-tags=generated", "-overlay", write("overlay.json", string(overlay)), "./drive"); !strings.Contains(output, "--- PASS: TestAllAnswersHaveTheirTypes") {
		t.Error(output)
	}
}
