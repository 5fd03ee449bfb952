package commands

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/routes"
)

// goodCost is the least password.bcrypt_cost without a warning.
const goodCost = 12

// summary is what the log says is on, an entry for each part.
func summary(app routes.App) []slog.Attr {
	settings := app.Settings
	return []slog.Attr{
		slog.String("database", database.Redacted(settings.Database.URL)),
		slog.String("environment", settings.Environment),
		slog.Bool("docs", settings.ShowDocs()),
		slog.String("throttle", fmt.Sprintf("%d failures in %v", settings.Login.MaxFailures, settings.Login.Window)),
		mailOn(app),
		metricsOn(settings),
	}
}

// warnings are about settings that are probably not intended.
func warnings(app routes.App) (texts []string) {
	settings := app.Settings
	production := settings.InProduction()
	network := database.NetworkFileSystem(settings.Database.URL)
	for _, warning := range []struct {
		applies bool
		text    string
	}{
		{len(settings.Ignored) > 0, "variables that are not settings are ignored: " + strings.Join(settings.Ignored, ", ")},
		{production && settings.ShowDocs(), "everybody can read /docs and /openapi.json, because server.docs is true"},
		{production && settings.Password.BcryptCost < goodCost, fmt.Sprintf("password.bcrypt_cost is %d: stolen hashes take less work than those of the default %d", settings.Password.BcryptCost, goodCost)},
		{network != "", "the SQLite file is on the network file system " + network + ", where SQLite loses data: put it on a disk of this machine, or use PostgreSQL"},
	} {
		if warning.applies {
			texts = append(texts, warning.text)
		}
	}
	return slices.Concat(texts, noMail(app), mailsShown(app))
}
