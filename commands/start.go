package commands

import (
	"fmt"
	"log/slog"
	"strings"

	"example.com/latchkey/app"
	"example.com/latchkey/kit/database"
)

// goodCost is the least password.bcrypt_cost without a warning.
const goodCost = 12

// summary is what the log lists as turned on.
func summary(p app.Program) []slog.Attr {
	settings := p.Settings
	return append([]slog.Attr{
		slog.String("database", database.Redacted(settings.Database.URL)),
		slog.String("environment", settings.Environment),
		slog.String("throttle", fmt.Sprintf("%d failures in %v", settings.Login.MaxFailures, settings.Login.Window)),
	}, p.Summary...)
}

// warnings are about settings that are probably not intended.
func warnings(p app.Program) (texts []string) {
	settings := p.Settings
	network := database.NetworkFileSystem(settings.Database.URL)
	for _, warning := range []struct {
		applies bool
		text    string
	}{
		{len(settings.Ignored) > 0, "variables that are not settings are ignored: " + strings.Join(settings.Ignored, ", ")},
		{settings.InProduction() && settings.Password.BcryptCost < goodCost, fmt.Sprintf("password.bcrypt_cost is %d: stolen hashes take less work than those of the default %d", settings.Password.BcryptCost, goodCost)},
		{network != "", "the SQLite file is on the network file system " + network + ", where SQLite loses data: put it on a disk of this machine, or use PostgreSQL"},
	} {
		if warning.applies {
			texts = append(texts, warning.text)
		}
	}
	return append(texts, p.WarningsOfParts()...)
}
