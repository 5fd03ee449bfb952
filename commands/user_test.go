package commands_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

// file writes a file and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// migrated is a folder with the file of a database.
func migrated(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	kit.WantOutput(t, folder, apptest.FastHashing, "(?s)applied .*", "migrate", "up")
	return folder
}

const password = apptest.Password

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

func TestUsersAreManagedWhileTheServerRuns(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := migrated(t)
	kit.WantOutput(t, folder, apptest.FastHashing, `ada@example\.com is user [0-9a-f-]{36}\.`, "user", "create", " Ada@Example.com", "--password-file="+file(t, password+"\r\n"))
	s := apptest.Launch(t, folder, "APP_JWT_REVOCATION_LAG=0s").Await()
	ada := []string{"Authorization", "Bearer " + s.Token("ada@example.com")}
	s.Want(403, "GET", "/users", "", ada...)
	kit.WantOutput(t, folder, apptest.FastHashing, `ada@example\.com: role admin, disabled false\.`, "user", "promote", "ADA@example.com")
	s.Want(200, "GET", "/users", "", ada...)
	kit.WantError(t, folder, apptest.FastHashing, "The last admin cannot be demoted, disabled or deleted", "user", "demote", "ada@example.com")
	kit.WantError(t, folder, apptest.FastHashing, "The last admin cannot be demoted, disabled or deleted", "user", "disable", "ada@example.com")

	s.Want(201, "POST", "/register", apptest.Credentials("bob@example.com"))
	bob := []string{"Authorization", "Bearer " + s.Token("bob@example.com")}
	kit.WantOutput(t, folder, apptest.FastHashing, `bob@example\.com: role user, disabled true\.`, "user", "disable", "bob@example.com")
	s.Want(401, "GET", "/me", "", bob...)
	s.Want(403, "POST", "/login", apptest.Credentials("bob@example.com"))
	kit.WantOutput(t, folder, apptest.FastHashing, `bob@example\.com: role user, disabled false\.`, "user", "enable", "bob@example.com")
	s.Want(401, "GET", "/me", "", bob...)
	bob = []string{"Authorization", "Bearer " + s.Token("bob@example.com")}
	kit.WantOutput(t, folder, apptest.FastHashing, `bob@example\.com has a new password\.`, "user", "password", "bob@example.com", "--password-file="+file(t, "battery staple"))
	s.Want(401, "GET", "/me", "", bob...)
	s.Want(401, "POST", "/login", apptest.Credentials("bob@example.com"))
	s.Want(200, "POST", "/login", strings.ReplaceAll(apptest.Credentials("bob@example.com"), password, "battery staple"))

	kit.WantOutput(t, folder, apptest.FastHashing, `bob@example\.com: role admin, disabled false\.`, "user", "promote", "bob@example.com")
	kit.WantOutput(t, folder, apptest.FastHashing, `ada@example\.com: role user, disabled false\.`, "user", "demote", "ada@example.com")
	s.Want(403, "GET", "/users", "", ada...)
	kit.WantOutput(t, folder, apptest.FastHashing, `eve@example\.com is user [0-9a-f-]{36}\.`, "user", "create", "eve@example.com", "--no-password")
	s.Want(401, "POST", "/login", apptest.Credentials("eve@example.com"))
}

func TestUserCommandsRefuseWrongInput(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := migrated(t)
	right, short, long, common := file(t, password), file(t, "short"), file(t, strings.Repeat("x", 73)), file(t, "password1")
	kit.WantOutput(t, folder, apptest.FastHashing, ".*", "user", "create", "ada@example.com", "--password-file="+right)
	for _, text := range []string{"\ufeff" + password, "\xff\xfec\x00o\x00"} {
		wrong := file(t, text)
		kit.WantError(t, folder, apptest.FastHashing, wrong+" is not UTF-8 without a byte order mark: write it with printf or an editor, not with > of PowerShell", "user", "create", "eve@example.com", "--password-file="+wrong)
	}
	kit.WantError(t, folder, apptest.FastHashing, "This email is already registered", "user", "create", "ada@example.com", "--password-file="+right)
	kit.WantError(t, folder, apptest.FastHashing, "email must be a valid email address", "user", "create", "eve", "--password-file="+right)
	tooLong := strings.Repeat("x", 1017)
	kit.WantError(t, folder, apptest.FastHashing, "email must be a maximum of 254 characters in length", "user", "create", tooLong, "--password-file="+right)
	kit.WantError(t, folder, apptest.FastHashing, "email must be a maximum of 254 characters in length", "user", "promote", tooLong)
	kit.WantError(t, folder, apptest.FastHashing, "email must be a valid email address; password must have at least 8 characters", "user", "create", "eve", "--password-file="+short)
	kit.WantError(t, folder, apptest.FastHashing, "password must not be one of the most common passwords", "user", "create", "eve@example.com", "--password-file="+common)
	kit.WantError(t, folder, apptest.FastHashing, "password must not be the email, or its part before the @", "user", "password", "ada@example.com", "--password-file="+file(t, "Ada@example.com"))
	kit.WantError(t, folder, apptest.FastHashing, "password must have at least 8 characters", "user", "password", "ada@example.com", "--password-file="+short)
	kit.WantError(t, folder, apptest.FastHashing, "the password must have at most 72 bytes", "user", "create", "eve@example.com", "--password-file="+long)
	kit.WantError(t, folder, apptest.FastHashing, "open nowhere: no such file or directory", "user", "create", "eve@example.com", "--password-file=nowhere")
	kit.WantError(t, folder, apptest.FastHashing, "there is no terminal to ask for the password: give --password-file", "user", "create", "eve@example.com")
	kit.WantError(t, folder, apptest.FastHashing, "accepts 1 arg(s), received 2", "user", "create", "eve@example.com", password)
	for _, verb := range []string{"promote", "demote", "disable", "enable", "password"} {
		kit.WantError(t, folder, apptest.FastHashing, "no user has the email eve@example.com", "user", verb, "eve@example.com")
	}
	kit.WantError(t, folder, apptest.FastHashing, `unknown command "delete" for "latchkey user"`, "user", "delete", "eve@example.com")
	kit.WantError(t, folder, apptest.FastHashing, "if any flags in the group [password-file no-password] are set none of the others can be; [no-password password-file] were all set",
		"user", "create", "eve@example.com", "--no-password", "--password-file="+right)
}

func TestAPasswordIsTypedTwiceAndNeverShown(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	unused, other, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(unused.Close(), other.Close()) }()
	echoing := tty(t, unused) // as the program finds its own
	for second, want := range map[string]string{password: "ada@example.com is user ", "battery staple": "latchkey: the passwords differ"} {
		program := kit.Command(t, migrated(t), []string{"APP_PASSWORD_BCRYPT_COST=4"}, "user", "create", "ada@example.com")
		terminal, err := pty.Start(program)
		if err != nil {
			t.Fatal(err)
		}
		var output strings.Builder
		for _, answer := range []string{password, second} {
			for !strings.HasSuffix(output.String(), ": ") {
				var b [1]byte
				if _, err := terminal.Read(b[:]); err != nil {
					t.Fatal(err, output.String())
				}
				output.Write(b[:])
			}
			kit.Await(t, "the echo is off", func() bool { return !reflect.DeepEqual(tty(t, terminal), echoing) })
			_, _ = io.WriteString(terminal, answer+"\n")
			output.WriteString("\n")
		}
		rest, _ := io.ReadAll(terminal) // returns an error when the program ends
		_ = program.Wait()
		output.Write(rest)
		if text := output.String(); !strings.Contains(text, want) || strings.Contains(text, password) || strings.Contains(text, "battery") {
			t.Errorf("the terminal shows %q, want %s", text, want)
		}
	}
}

// tty returns a terminal's state, with its echo.
func tty(t *testing.T, terminal *os.File) *term.State {
	t.Helper()
	state, err := term.GetState(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestANewKeySignsTokens(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for _, algorithm := range []string{"EdDSA", "ES256", "RS256"} {
		folder := t.TempDir()
		pattern := `data/jwt_key\.pem is written\. To sign with it, set APP_JWT_ALGORITHM=` + algorithm + ` and APP_JWT_KEY_FILE=data/jwt_key\.pem`
		kit.WantOutput(t, folder, apptest.FastHashing, pattern, "key", "new", "--algorithm", algorithm)
		info, err := os.Stat(filepath.Join(folder, "data/jwt_key.pem"))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		kit.WantError(t, folder, apptest.FastHashing, "open data/jwt_key.pem: file exists", "key", "new", "--algorithm", algorithm)
		s := apptest.Launch(t, folder, "APP_JWT_ALGORITHM="+algorithm, "APP_JWT_KEY_FILE=data/jwt_key.pem").Await()
		s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
		s.Want(200, "GET", "/protected", "", "Authorization", "Bearer "+s.Token("ada@example.com"))
		if keys := s.Want(200, "GET", "/.well-known/jwks.json", ""); !strings.Contains(keys, `"alg":"`+algorithm+`"`) {
			t.Error(keys)
		}
	}
	kit.WantError(t, t.TempDir(), nil, `--algorithm: "HS256" is not one of EdDSA, ES256 and RS256`, "key", "new", "--algorithm=HS256")
}
