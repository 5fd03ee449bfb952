package kubernetes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// objects are what deploy/kubernetes makes.
type objects struct {
	api       apps.Deployment
	migration batch.Job
	service   core.Service
	budget    policy.PodDisruptionBudget
	settings  core.ConfigMap
}

// build reads the objects as the types of Kubernetes. A name, a type or a quantity that
// Kubernetes does not know fails the test.
func build(t *testing.T) (all objects) {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../../deploy/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	into := map[string]any{
		"apps/v1 Deployment": &all.api, "batch/v1 Job": &all.migration, "v1 Service": &all.service,
		"policy/v1 PodDisruptionBudget": &all.budget, "v1 ConfigMap": &all.settings,
	}
	for _, object := range built.Resources() {
		kind := object.GetApiVersion() + " " + object.GetKind()
		text, err := object.AsYAML()
		if err != nil || into[kind] == nil {
			t.Fatalf("%s: add its type to this test (%v)", kind, err)
		}
		if err := yaml.UnmarshalStrict(text, into[kind]); err != nil {
			t.Fatalf("%s: %v\n%s", kind, err, text)
		}
		delete(into, kind)
	}
	if len(into) > 0 {
		t.Fatalf("there is no object for %v", into)
	}
	return all
}

func TestPodsRunWithoutPrivileges(t *testing.T) {
	all := build(t)
	for name, pod := range map[string]core.PodSpec{"the API": all.api.Spec.Template.Spec, "the migration": all.migration.Spec.Template.Spec} {
		if len(pod.Containers) != 1 {
			t.Fatalf("%s has %d containers", name, len(pod.Containers))
		}
		container := pod.Containers[0]
		switch rights := container.SecurityContext; {
		case !*pod.SecurityContext.RunAsNonRoot, *rights.AllowPrivilegeEscalation, !*rights.ReadOnlyRootFilesystem, len(rights.Capabilities.Drop) != 1:
			t.Errorf("%s may do too much: %+v", name, rights)
		case *pod.EnableServiceLinks: // a Service called app would set APP_PORT
			t.Errorf("%s gets variables of services", name)
		case container.Image != all.api.Spec.Template.Spec.Containers[0].Image, container.EnvFrom[0].ConfigMapRef.Name != all.settings.Name:
			t.Errorf("%s runs %s with %v", name, container.Image, container.EnvFrom)
		}
	}
}

func TestTheServiceAndTheBudgetSelectOnlyTheAPI(t *testing.T) {
	all := build(t)
	api, migration := labels.Set(all.api.Spec.Template.Labels), labels.Set(all.migration.Spec.Template.Labels)
	for name, selector := range map[string]*meta.LabelSelector{
		"the service":    {MatchLabels: all.service.Spec.Selector},
		"the deployment": all.api.Spec.Selector,
		"the budget":     all.budget.Spec.Selector,
	} {
		if selects, err := meta.LabelSelectorAsSelector(selector); err != nil || !selects.Matches(api) || selects.Matches(migration) {
			t.Errorf("%s selects %v: %v", name, selects, err)
		}
	}
	container := all.api.Spec.Template.Spec.Containers[0]
	if to := all.service.Spec.Ports[0].TargetPort.String(); to != container.Ports[0].Name || container.Ports[0].ContainerPort != 8080 {
		t.Errorf("the service sends to %s, the container has %v", to, container.Ports)
	}
}

func TestAPodHasTheTimeToStop(t *testing.T) {
	all := build(t)
	delay, delayErr := time.ParseDuration(all.settings.Data["APP_SERVER_SHUTDOWN_DELAY"])
	timeout, timeoutErr := time.ParseDuration(all.settings.Data["APP_SERVER_SHUTDOWN_TIMEOUT"])
	grace := time.Duration(*all.api.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	if delayErr != nil || timeoutErr != nil || delay+timeout >= grace {
		t.Errorf("delay %v, timeout %v, killed after %v", delay, timeout, grace)
	}
}

func TestTheProgramTakesTheSettings(t *testing.T) {
	all, secrets := build(t), t.TempDir()
	for name, text := range map[string]string{"jwt_secret": "hL3vQmZ8rT1xWc6yBn0kGd4sJf7pUa2e", "database_url": "postgres://latchkey:x@database/latchkey"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mounted := all.api.Spec.Template.Spec.Containers[0].VolumeMounts[0].MountPath
	program := exec.CommandContext(t.Context(), "go", "run", ".", "config", "check")
	program.Dir, program.Env = "../..", append(os.Environ(), "APP_ENVIRONMENT=production")
	for name, value := range all.settings.Data {
		program.Env = append(program.Env, name+"="+strings.Replace(value, mounted, secrets, 1))
	}
	if out, err := program.CombinedOutput(); err != nil || string(out) != "The settings are good.\n" {
		t.Errorf("%v: %s", err, out)
	}
}
