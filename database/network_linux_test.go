package database

import (
	"testing"

	"golang.org/x/sys/unix"
)

// No test can mount such a file system, so it tests the two halves.
func TestAFileSystemOfTheNetworkIsNamed(t *testing.T) {
	if got := NetworkFileSystem("sqlite://" + t.TempDir() + "/app.db"); got != "" {
		t.Errorf("a local folder is on %s", got)
	}
	for magic, want := range map[int64]string{0x6969: "NFS", 0xfe534d42: "SMB", unix.TMPFS_MAGIC: "", unix.EXT4_SUPER_MAGIC: ""} {
		if got := networkFileSystems()[magic]; got != want {
			t.Errorf("%#x is %q, want %q", magic, got, want)
		}
	}
}
