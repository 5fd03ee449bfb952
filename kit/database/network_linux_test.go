package database_test

import (
	"testing"

	"example.com/latchkey/kit/database"
)

// No test can mount one of the network.
func TestALocalFolderIsOnNoFileSystemOfTheNetwork(t *testing.T) {
	if got := database.NetworkFileSystem("sqlite://" + t.TempDir() + "/app.db"); got != "" {
		t.Errorf("a local folder is on %s", got)
	}
}
