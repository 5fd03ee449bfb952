// Command bench compares Latchkey with a bare Gin route, the libraries alone and raw
// bcrypt in one run on this machine, on Linux. It fails if a promise is broken.
package main

import (
	"flag"
	"log"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// steps take the figures, in this order.
var steps = []step{
	{"requests", requests},
	{"API keys, cookies and access tokens", apiKeys},
	{"metrics", metrics},
	{"logins, registrations and raw bcrypt", hashing},
	mailsOfUsers,
	{"requests among logins", amongLogins},
	{"logins beside 200 of one address", crowd},
	{"refused logins and a quick hash", refusals},
	{"PostgreSQL", onPostgres},
	{"1, 10 thousand and a million users", databaseSizes},
	mailQueue,
	{"10,000 idle connections", idleConnections},
	{"start again and again, and do nothing", restart},
}

// promise is the limit of the ratio of two figures that were taken by turns, or of one
// figure.
type promise struct {
	of, over string // over is empty for one figure
	compare  string // >= or <=
	limit    float64
	unit     string
}

var promises = []promise{
	{"GET /protected", "bare Gin", ">=", 0.75, ""},
	{"GET /protected with a line of log", "bare Gin", ">=", 0.6, ""},
	{"GET /protected with a new token", "golang-jwt alone", ">=", 0.8, ""},
	{"GET /notes", "GORM alone", ">=", 0.8, ""},
	{"POST /notes", "bare Gin", ">=", 0.1, ""},
	{"GET /protected with an API key", "GET /protected with a token", ">=", 0.9, ""},
	{"GET /protected with a cookie", "GET /protected with a token", ">=", 0.95, ""},
	{"CPU of GET /protected with metrics", "CPU of GET /protected without metrics", "<=", 1.03, ""},
	{"POST /refresh", "bare Gin for 8 clients", ">=", 0.08, ""},
	{"p99 of POST /refresh", "", "<=", 15, "ms"},
	{"time of a login with a quick hash", "time of a slow hash", "<=", 0.015, ""},
	{"POST /login", "raw bcrypt", ">=", 0.95, ""},
	{"POST /register", "raw bcrypt", ">=", 0.95, ""},
	{"mails", "users", ">=", 1, ""},
	{"p99 of GET /protected among logins", "p99 of GET /protected beside hashing", "<=", 2, ""},
	{"p99 of GET /healthz among logins", "p99 of GET /healthz beside hashing", "<=", 2, ""},
	{"p99 of GET /readyz among logins", "p99 of GET /readyz beside hashing", "<=", 2, ""},
	{"p99 of GET /protected among logins", "p99 of GET /protected alone", "<=", 8, ""},
	{"p99 of GET /protected among logins", "p99 of bare Gin among logins", "<=", 0.01, ""},
	{"time of a login after 64 hung up", "time of a login alone", "<=", 4, ""},
	{"time of a login beside 200 of one address", "time of a hash without them", "<=", 3, ""},
	{"refused POST /login", "", ">=", 2000, "/s"},
	{"p99 of GET /protected among 2,000 of them a second", "p99 of GET /protected without them", "<=", 2, ""},
	{"GET /protected on PostgreSQL", "GET /protected on SQLite", ">=", 0.9, ""},
	{"POST /refresh on PostgreSQL", "", ">=", 1000, "/s"},
	{"p99 of GET /protected on PostgreSQL among logins", "p99 of GET /protected on PostgreSQL beside hashing", "<=", 2, ""},
	{"login of 1 user", "login of 10 thousand", "<=", 1.2, ""},
	{"login of 1 user", "login of a million", "<=", 1.2, ""},
	{"refresh of 1 user", "refresh of 10 thousand", "<=", 1.2, ""},
	{"refresh of 1 user", "refresh of a million", "<=", 1.2, ""},
	{"session check of 1 user", "session check of 10 thousand", "<=", 1.2, ""},
	{"session check of 1 user", "session check of a million", "<=", 1.2, ""},
	{"page of notes of 1 user", "page of notes of 10 thousand", "<=", 1.2, ""},
	{"page of notes of 1 user", "page of notes of a million", "<=", 1.2, ""},
	{"slowest POST /refresh during a purge", "", "<=", 50, "ms"},
	{"deleted sessions", "", ">=", 10_000, ""},
	{"p99 of GET /protected among mails", "p99 of GET /protected beside mails of another", "<=", 1.3, ""},
	{"memory with 10,000 idle connections", "", "<=", 300, "MiB"},
	{"p99 of GET /protected among them", "", "<=", 20, "ms"},
	{"start to the first answer", "start of bare Gin", "<=", 4, ""},
	{"start to the first answer", "start without parts", "<=", 2, ""},
	{"idle memory", "idle memory without parts", "<=", 1.5, ""},
	{"binary size", "binary size without parts", "<=", 1.3, ""},
	{"idle CPU", "", "<=", 0.3, "%"},
	{"idle memory", "", "<=", 36, "MiB"},
	{"memory after logins", "", "<=", 100, "MiB"},
	{"binary size", "", "<=", 36, "MiB"},
}

func main() {
	only := flag.String("run", "", "take only the steps whose names match this regular expression")
	hashes := flag.Bool("hash", false, "only hash, for a minute")
	flag.Parse()
	if *hashes {
		hashFor(time.Minute)
		return
	}
	debug.SetGCPercent(-1) // so that its own garbage collector does not disturb it
	debug.SetMemoryLimit(1 << 30)
	if broken := measure(regexp.MustCompile(*only)); len(broken) > 0 {
		log.Fatalln("broken:", strings.Join(broken, ", "))
	}
}
