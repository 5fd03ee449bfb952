package password

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryCommonPasswordIsFound(t *testing.T) {
	list := strings.Split(strings.TrimSuffix(strings.ReplaceAll(commonPasswords, "\r", ""), "\n"), "\n") // also in a checkout on Windows
	if len(list) != 17_950 || !slices.IsSorted(list) || strings.ToLower(commonPasswords) != commonPasswords || !strings.HasSuffix(commonPasswords, "\n") {
		t.Fatalf("the list of %d is not sorted, in lower case and with line ends", len(list))
	}
	for _, password := range list {
		if !isCommon(password) || isCommon(password+"!~") || isCommon(password[:len(password)-1]+"\n") || len(password) < 8 {
			t.Errorf("%s", password)
		}
	}
	for _, other := range []string{"", "\n", "correct horse", list[0] + "\n" + list[1], "~~~~~~~~~"} {
		if isCommon(other) {
			t.Errorf("%q", other)
		}
	}
	if allocations := testing.AllocsPerRun(3, func() { isCommon(list[4711]) }); allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
