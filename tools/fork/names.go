package main

import (
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jinzhu/inflection"
)

// maxName is how long a name may be, so that PostgreSQL, which cuts a name after
// 63 bytes, keeps those of indexes whole.
const maxName = 26

// checkName refuses a name that Go, GORM, or a name that it makes cannot take.
func (r *resource) checkName(root string) error {
	last := r.Plural[strings.LastIndex(r.Plural, "_")+1:]
	switch column := columnOf(r.Type); {
	case len(r.Name) > maxName:
		return fmt.Errorf("has over %d characters: choose a shorter name", maxName)
	case r.Name == r.Plural && inflection.Singular(r.Name) != r.Name:
		return fmt.Errorf("write one of them, name=%s", inflection.Singular(r.Name))
	case column != r.Name:
		return fmt.Errorf("GORM would make %s of it: choose a name whose words have two letters or more", column)
	case suffixes[last] || last == "test" || strings.HasSuffix(r.Name, "_test"):
		return fmt.Errorf("Go takes a file create_%s.go for one of a platform or of tests: choose another name", r.Plural) //nolint:staticcheck // Go is a name
	}
	for _, word := range []string{r.Var, r.Vars} {
		if token.IsKeyword(word) || taken[word] {
			return fmt.Errorf("%s already means something in Go or in a handler: say more, such as name=my_%s", word, r.Name)
		}
	}
	return r.checkTable(root)
}

// createTable finds the tables of a migration, by the types that it makes them of.
var createTable = regexp.MustCompile(`CreateTable\(&(\w+)\{`)

// checkTable refuses the table of another migration, or of the migrations.
func (r *resource) checkTable(root string) error {
	files, err := filepath.Glob(filepath.Join(root, "database", "*.go"))
	if err != nil {
		return err
	}
	tables := map[string]string{"Migration": "database/migrate.go"}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, made := range createTable.FindAllSubmatch(text, -1) {
			tables[string(made[1])] = "database/" + filepath.Base(file)
		}
	}
	if by, there := tables[r.Type]; there && by != r.files()["migration.go.tmpl"] {
		return fmt.Errorf("the table %s is there, made by %s: choose another name", r.Plural, by)
	}
	return nil
}

// taken are what a handler's variables would hide.
var taken = words("bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any " +
	"true false nil iota append cap clear close complex copy delete imag len make max min new panic print println real recover " +
	"context endpoint errors gorm models problem time uuid auth handlers ctx db err in page rows tx user")

// suffixes of file names that Go builds on one platform alone.
var suffixes = words("aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris unix wasip1 windows " +
	"386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm")

func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(text) {
		all[word] = true
	}
	return all
}

// initialisms are written in capitals in Go names.
var initialisms = words("api cpu css dns html http https id ip json sql ssh tcp tls ttl udp ui uid uri url utf8 uuid xml")

func goName(name string) string {
	var all strings.Builder
	for _, word := range strings.Split(name, "_") {
		if initialisms[word] {
			all.WriteString(strings.ToUpper(word))
		} else {
			all.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return all.String()
}

func goVar(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	if rest == "" {
		return first
	}
	return first + goName(rest)
}

// gormInitialisms are the words that GORM takes for one, in its order.
var gormInitialisms = strings.Fields("API ASCII CPU CSS DNS EOF GUID HTML HTTP HTTPS ID IP JSON LHS QPS RAM RHS RPC SLA SMTP SSH TLS TTL UID UI UUID URI URL UTF8 VM XML XSRF XSS")

var (
	capitals  = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`)
	camelCase = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// columnOf is the column that GORM makes of a Go name.
func columnOf(name string) string {
	var pairs []string
	for _, word := range gormInitialisms {
		pairs = append(pairs, word, word[:1]+strings.ToLower(word[1:]))
	}
	name = strings.NewReplacer(pairs...).Replace(name)
	return strings.ToLower(camelCase.ReplaceAllString(capitals.ReplaceAllString(name, "${1}_$2"), "${1}_$2"))
}

var lowerWords = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$`)

// checkField refuses a field's name that Go or GORM cannot take.
func (r *resource) checkField(name string) error {
	switch column := columnOf(goName(name)); {
	case len(name) > maxName:
		return fmt.Errorf("its name has over %d characters", maxName)
	case column != name:
		return fmt.Errorf("GORM would call its column %s: choose a name whose words have two letters or more", column)
	case reserved[goName(name)] || slices.Contains([]string{r.Type + "ID", r.Type + "Version"}, goName(name)):
		return errors.New("every row has its own " + name + ": say more, such as " + r.Name + "_" + name)
	}
	return nil
}

// reserved are what the types of a resource hold besides its own fields.
var reserved = words("ID CreatedAt UpdatedAt OwnerID Owner Owned Versioned Base Key ETag IfMatch BeforeCreate Page Limit Cursor Sort By Counted DB")
