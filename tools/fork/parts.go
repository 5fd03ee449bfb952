package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jinzhu/inflection"
)

// parts are the optional parts of the template, with their files and folders.
// Everything else of a part is an entry of a table, or text between its marks, such as
// <!-- oauth --> and <!-- /oauth -->. Files of the kit stay, without the entries that use them.
var parts = map[string][]string{
	"apikeys": {
		"models/api_key.go", "migrations/create_api_keys.go", "accounts/key_authenticator.go", "accounts/api_keys.go", "handlers/api_keys.go",
		"routes/api_keys.go", "routes/api_keys_test.go", "routes/api_keys_notices_test.go", "accounts/mails/key_created.txt", "accounts/mails/key_created.html", "bench/api_keys.go", "bench/api_keys_test.go",
	},
	"oauth": {"handlers/oauth.go", "routes/oauth.go", "routes/oauth_test.go", "routes/oauth_events_test.go", "routes/mail_oauth_test.go", "routes/totp_oauth_test.go", "tools/e2e/docs_test.go"}, // the last one signs in at /token
	"docs": {
		"handlers/docs.go", "handlers/docs/index.html", "handlers/docs/start.js", "handlers/docs/style.css", "routes/docs.go", "routes/docs_test.go",
		"tools/e2e/docs_test.go",
	},
	"backup": {"commands/backup.go", "deploy/latchkey-backup.service", "deploy/latchkey-backup.timer"},
	"bench":  {"bench/", "docs/performance.md", "docs/bench.svg"},
	"events": {
		"models/event.go", "migrations/create_events.go", "config/events.go", "accounts/store_events.go", "handlers/events.go", "routes/events.go",
		"routes/events_test.go", "routes/mail_events_test.go", "routes/oauth_events_test.go", "routes/api_keys_notices_test.go", "routes/totp_notices_test.go",
	},
	"mail": {
		"accounts/mails/", "config/mail.go", "config/mail_test.go", "models/counted_mail.go", "migrations/create_sent_mails.go", "migrations/create_counted_mails.go", "accounts/links.go",
		"accounts/mails.go", "accounts/mail_links.go", "accounts/mail_send.go", "accounts/mail_texts.go", "handlers/mail.go", "handlers/mail_pages.go", "handlers/mail/", "app/apptest/mail.go",
		"routes/mail.go", "routes/mail_send.go", "routes/mail_pages.go", "routes/mail_test.go", "routes/mail_flow_test.go", "routes/mail_links_test.go", "routes/mail_pages_test.go", "routes/mail_texts_test.go",
		"routes/mail_events_test.go", "routes/mail_oauth_test.go", "routes/api_keys_notices_test.go", "routes/totp_notices_test.go",
		"commands/mail.go", "bench/mail.go", "tools/e2e/mail_test.go",
	},
	"totp": {
		"models/totp.go", "kit/totp/totp.go", "migrations/create_totp.go", "accounts/totp.go", "handlers/totp.go",
		"routes/totp.go", "routes/totp_test.go", "routes/totp_notices_test.go", "routes/totp_oauth_test.go", "commands/totp.go", "commands/totp_test.go",
		"accounts/mails/totp_enabled.txt", "accounts/mails/totp_enabled.html", "accounts/mails/totp_disabled.txt", "accounts/mails/totp_disabled.html", "accounts/mails/totp_guessed.txt", "accounts/mails/totp_guessed.html",
	},
	"metrics": {
		"commands/metrics.go", "commands/metrics_auth.go", "commands/metrics_jobs.go", "middleware/metrics.go", "accounts/metrics.go",
		"config/metrics.go", "config/metrics_test.go", "bench/metrics.go", "bench/metrics_test.go", "bench/dashboard/",
		"deploy/grafana-dashboard.json", "deploy/prometheus-rules.yaml", "deploy/prometheus-rules.test.yaml", "docs/metrics.md", "docs/dashboard.svg",
	},
	"kubernetes": {"deploy/kubernetes/", "tools/kubernetes/"},
	"template":   {templateTest, "kit/*_test.go", "tests/", "tools/fork/migration_test.go", "tools/fork/own_test.go", "tools/fork/compile_test.go", "tools/fork/remove_test.go", "tools/fork/rename_test.go", "tools/fork/resource_test.go", "tools/fork/update_test.go", "tools/fork/make_test.go"},
}

// templateTest exists only before the first make rename.
const templateTest = "tools/fork/template_test.go"

// filesOf returns the files of parts and resources, and the tables of the resources.
func filesOf(root string, names []string) (files, tables []string, err error) {
	for _, name := range names {
		of, table := parts[name], ""
		if of == nil {
			r := &resource{Name: name, Plural: inflection.Plural(name)}
			of, table = slices.Sorted(maps.Values(r.files())), r.Plural
			tables = append(tables, table)
		}
		inside, err := git(root, append([]string{"ls-files", "-co", "--exclude-standard", "--"}, of...)...)
		if err != nil {
			return nil, nil, err
		}
		existing := slices.DeleteFunc(strings.Fields(inside), func(file string) bool { // those that were removed, and not committed
			_, err := os.Stat(filepath.Join(root, file))
			return errors.Is(err, fs.ErrNotExist)
		})
		if len(existing) == 0 || table != "" && len(existing) < 3 || !lowerWords.MatchString(name) {
			return nil, nil, fmt.Errorf("name=%s: there is no such resource; the parts that can be removed are %s", name, strings.Join(partsOf(root), ", "))
		}
		files = append(files, existing...)
	}
	slices.Sort(files)
	return slices.Compact(files), tables, nil // a file may be of two parts
}

// partsOf returns the names of the parts that a tree has, without the template's own.
func partsOf(root string) (names []string) {
	for name, files := range parts {
		if _, err := os.Stat(filepath.Join(root, files[0])); err == nil && name != "template" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// editPages removes what pages, the Makefile and the files of CI have about parts: the text
// between their marks, rows of tables with their names, settings or files, and their routes.
func (out *removal) editPages(names []string) error {
	pages, err := git(out.root, "ls-files", "-co", "--exclude-standard", "--", "*.md", "*.yml", "config.yaml", "Makefile", ".ci", ":!vendor")
	if err != nil {
		return err
	}
	var marked []string
	words := slices.Clone(out.files)
	for _, name := range names {
		marked = append(marked, `^[ \t]*(# )?<!-- `+name+` -->\n.*?<!-- /`+name+` -->\n`)
		words = append(words, parts[name]...)
	}
	marks := regexp.MustCompile(`(?ms)` + strings.Join(marked, "|"))
	rows := regexp.MustCompile("(?m)^\\|( `(" + alternatives(names) + ")[`.]|.*(" + alternatives(words) + ")).*\n")
	routes := regexp.MustCompile(`(?m)^(` + strings.ReplaceAll(alternatives(out.routes), " ", " +") + `) .*\n`)
	for _, page := range strings.Fields(pages) {
		before, err := os.ReadFile(filepath.Join(out.root, page))
		if errors.Is(err, fs.ErrNotExist) || slices.Contains(out.files, page) || page == changelog {
			continue
		}
		if err != nil {
			return err
		}
		after := rows.ReplaceAll(marks.ReplaceAll(before, nil), nil)
		if len(out.routes) > 0 {
			after = routes.ReplaceAll(after, nil)
		}
		if !bytes.Equal(before, after) {
			out.written[page] = after
		}
	}
	return nil
}

// alternatives is a pattern that matches one of the words.
func alternatives(all []string) string {
	var quoted []string
	for _, word := range all {
		quoted = append(quoted, regexp.QuoteMeta(word))
	}
	return strings.Join(quoted, "|")
}

const (
	changelog    = "CHANGELOG.md"
	newChangelog = "# Changelog\n\n## Unreleased\n\n- The project begins with a template.\n"
)

// leaveOut removes what only the template needs: its own tests, its changelog and, unless
// keep is bench, its benchmark.
func leaveOut(root, keep string) error {
	if !isTemplate(root) {
		return nil
	}
	names := slices.DeleteFunc([]string{"template", "bench"}, func(name string) bool { return name == keep })
	if _, err := removeParts(root, names...); err != nil {
		return err
	}
	return overwrite(filepath.Join(root, changelog), []byte(newChangelog))
}

// isTemplate reports whether a tree was never renamed.
func isTemplate(root string) bool {
	_, err := os.Stat(filepath.Join(root, templateTest))
	return err == nil
}
