package main

import (
	"go/token"
	"regexp"
	"strings"

	"github.com/jinzhu/inflection"
	"gorm.io/gorm/schema"
)

// maxName is the maximum length of a name. PostgreSQL truncates the names of
// indexes after 63 bytes.
const maxName = 26

// checkName refuses a name that Go or GORM cannot use.
func (r *resource) checkName() {
	last, column := r.Plural[strings.LastIndex(r.Plural, "_")+1:], columnOf(r.Type)
	check := func(bad bool, why string, args ...any) { refuse(bad, "name="+r.Name+": "+why, args...) }
	check(len(r.Name) > maxName, "has over %d characters: choose a shorter name", maxName)
	check(r.Name == r.Plural && inflection.Singular(r.Name) != r.Name && !singularInS(last), "use the singular, name=%s", inflection.Singular(r.Name))
	check(column != r.Name, "GORM would change it to %s: choose a name with words of two letters or more", column)
	check(suffixes[last] || last == "test" || strings.HasSuffix(r.Name, "_test"), "Go builds a file create_%s.go only for tests or for one platform: choose another name", r.Plural)
	check(r.Name == "migration", "kit/database/migrate.go already creates the table %s: choose another name", r.Plural)
	for _, word := range []string{r.Var, r.Vars} {
		check(token.IsKeyword(word) || usedNames[word], "%s is already a name in Go or in a handler: choose a longer one, such as name=my_%s", word, r.Name)
	}
}

// singularInS reports whether a noun that ends in s is a singular. inflection, which makes
// the names of GORM's tables, takes it for a plural.
func singularInS(noun string) bool {
	usually := strings.HasSuffix(noun, "us") || strings.HasSuffix(noun, "is")
	return usually != exceptions[noun]
}

// exceptions are singulars with other ends, and plurals in -us and -is.
var exceptions = words("alias analytics atlas bias canvas chaos corps cosmos ethos gas kudos lens logistics mathematics pancreas pathos physics summons thermos " +
	"apis cpus emojis gpus gurus kiwis menus skis skus taxis uris wikis")

// usedNames are the names that a variable of a handler must not hide.
var usedNames = words("bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any " +
	"true false nil iota append cap clear close complex copy delete imag len make max min new panic print println real recover " +
	"accounts context database endpoint errors gorm models problem rows time uuid handlers ctx err in page tx user")

// suffixes of file names that Go builds only on one platform.
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

func goName(name string) (all string) {
	for word := range strings.SplitSeq(name, "_") {
		if initialisms[word] {
			word = strings.ToUpper(word)
		}
		all += strings.ToUpper(word[:1]) + word[1:]
	}
	return all
}

func goVar(name string) string {
	first, rest, more := strings.Cut(name, "_")
	if more {
		rest = goName(rest)
	}
	return first + rest
}

// columnOf is the column name that GORM derives from a Go name.
func columnOf(name string) string { return schema.NamingStrategy{}.ColumnName("", name) }

var lowerWords = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$`)

// checkField refuses a field's name that Go or GORM cannot use.
func (r *resource) checkField(name string) {
	column, member := columnOf(goName(name)), goName(name)
	refuse(len(name) > maxName, "its name has over %d characters", maxName)
	refuse(column != name, "GORM would name its column %s: choose a name with words of two letters or more", column)
	refuse(reserved[member] || member == r.Type+"ID" || member == r.Type+"Version", "every row already has a field %[1]s: choose a longer name, such as %[2]s_%[1]s", name, r.Name)
}

// reserved are the names of members that each resource already has.
var reserved = words("ID CreatedAt UpdatedAt OwnerID Owner Owned Versioned Base Key ETag IfMatch BeforeCreate Page Limit Cursor Sort By")
