package notes_test

import (
	"os"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

// kit.Hold tests what all resources have in common.
func TestNotes(t *testing.T) {
	kit.HoldFields(t, apptest.Rules(), "/notes", []kit.FieldCase{
		kit.Field("title", kit.None, kit.Refused),
		kit.Field("title", `null`, kit.Refused),
		kit.Field("title", `1`, kit.Refused),
		kit.Field("title", `""`, kit.Refused),
		kit.Field("title", kit.Long(200), kit.Taken),
		kit.Field("title", kit.Long(201), kit.Refused),

		kit.Field("body", kit.None, kit.Taken),
		kit.Field("body", `null`, kit.Refused),
		kit.Field("body", `1`, kit.Refused),
		kit.Field("body", `""`, kit.Taken),
		kit.Field("body", kit.Long(10000), kit.Taken),
		kit.Field("body", kit.Long(10001), kit.Refused),
	})
}
