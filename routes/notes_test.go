package routes_test

import "testing"

// resources_test.go tests what all resources have in common.
func TestNotes(t *testing.T) {
	checkFields(t, "/notes", []fieldCase{
		{"title", none, refused},
		{"title", `null`, refused},
		{"title", `1`, refused},
		{"title", `""`, refused},
		{"title", long(200), taken},
		{"title", long(201), refused},

		{"body", none, taken},
		{"body", `null`, refused},
		{"body", `1`, refused},
		{"body", `""`, taken},
		{"body", long(10000), taken},
		{"body", long(10001), refused},
	})
}
