package readme

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEditor checks that the files for editors and containers name what exists.
func TestEditor(t *testing.T) {
	var module struct {
		Module struct{ Path string }
		Go     string
	}
	text, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &module); err != nil {
		t.Fatal(err)
	}

	image := "golang:" + module.Go[:strings.LastIndex(module.Go, ".")]
	var container struct{ Image string }
	parse(t, ".devcontainer/devcontainer.json", &container)
	if container.Image != image {
		t.Errorf("the dev container has the image %s, and go.mod needs %s", container.Image, image)
	}

	var settings struct {
		Gopls map[string]any `json:"gopls"`
	}
	parse(t, ".vscode/settings.json", &settings)
	if local := settings.Gopls["formatting.local"]; local != module.Module.Path {
		t.Errorf("gopls groups the imports of %v", local)
	}

	var tasks struct {
		Tasks []struct{ Label, Command string }
	}
	parse(t, ".vscode/tasks.json", &tasks)
	makefile := read(t, "Makefile")
	for _, task := range tasks.Tasks {
		target, isMake := strings.CutPrefix(task.Command, "make ")
		if isMake && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(target)+`:`).MatchString(makefile) {
			t.Errorf("%s: the Makefile has no target %s", task.Label, target)
		}
		if program, _, _ := strings.Cut(task.Command, " "); program != "make" && program != "go" {
			t.Errorf("%s runs %s", task.Label, program)
		}
	}

	var launch struct {
		Configurations []struct{ Name, Mode, Program string }
	}
	parse(t, ".vscode/launch.json", &launch)
	for _, c := range launch.Configurations {
		// main.go is in the workspace's folder, and a test is in the folder of its file.
		if !slices.Contains([]string{"debug ${workspaceFolder}", "test ${fileDirname}"}, c.Mode+" "+c.Program) {
			t.Errorf("%s: cannot %s %s", c.Name, c.Mode, c.Program)
		}
	}
	if len(tasks.Tasks) == 0 || len(launch.Configurations) == 0 {
		t.Error("there are no tasks or no launch configurations")
	}
}

// A plain go build, and an editor's, may have cgo on.
func TestNoDependencyIsCompiledFromC(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "-f", "{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}", "./...")
	list.Env = append(os.Environ(), "CGO_ENABLED=1")
	if compiled, err := list.Output(); err != nil || len(compiled) > 0 {
		t.Errorf("%s %v", compiled, err)
	}
}

func parse(t *testing.T, file string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
