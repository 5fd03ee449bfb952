package commands_test

import (
	"encoding/json"
	"strings"
	"testing"

	kit "example.com/latchkey/kit/apptest"
)

// key makes an API key. It returns its id and its Authorization header.
func (s *server) key(bearer ...string) (id string, header []string) {
	s.t.Helper()
	var answer struct{ ID, Key string }
	if err := json.Unmarshal([]byte(s.want(201, "POST", "/keys", `{"name":"Nightly","scope":"full","current_password":"`+password+`"}`, bearer...)), &answer); err != nil {
		s.t.Fatal(err)
	}
	return answer.ID, []string{"Authorization", "Bearer " + answer.Key}
}

func TestEveryReplicaIsNotifiedOfADeletedKey(t *testing.T) {
	r := startReplicas(t, 2, shortLag)
	r.proxy.want(201, "POST", "/register", credentials("ada@example.com"))
	bearer := []string{"Authorization", "Bearer " + r.proxy.token("ada@example.com")}
	for claim, end := range map[string]func(id string){
		"by the API": func(id string) { r.each[0].want(204, "DELETE", "/keys/"+id, "", bearer...) },
		"in SQL":     func(id string) { r.exec(t, "DELETE FROM api_keys WHERE id = '"+id+"'") },
		"by the command line": func(id string) {
			if _, faults, code := run(t, t.TempDir(), []string{"APP_DATABASE_URL=" + r.url}, "user", "keys", "ada@example.com", "--delete", id); code != 0 {
				t.Error(faults)
			}
		},
	} {
		t.Run(claim, func(t *testing.T) {
			id, key := r.each[0].key(bearer...)
			r.cache(key[1])
			end(id)
			r.awaitRevoked(t, key[1])
		})
	}
	t.Run("an expiry in SQL", func(t *testing.T) {
		id, key := r.each[0].key(bearer...)
		r.cache(key[1])
		r.exec(t, "UPDATE api_keys SET expires_at = now() WHERE id = '"+id+"'")
		for _, s := range r.each {
			kit.Await(t, "it is refused", func() bool {
				status, answer := s.send("GET", "/me", "", key...)
				return status == 401 && strings.Contains(answer, "token_expired")
			})
		}
	})
}

func TestKeysAreListedAndDeletedOnTheCommandLine(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	s := launch(t, folder, "APP_JWT_REVOCATION_LAG=0s").await()
	s.want(201, "POST", "/register", credentials("ada@example.com"))
	bearer := []string{"Authorization", "Bearer " + s.token("ada@example.com")}
	id, key := s.key(bearer...)
	s.want(200, "GET", "/protected", "", key...)
	kit.Await(t, "the server stores that it is used", func() bool {
		return !strings.Contains(s.want(200, "GET", "/keys", "", bearer...), `"last_used_at":null`)
	})
	wantOutput(t, folder, `ID +NAME +SCOPE +CREATED +LAST USED +EXPIRES\n`+id+` +"Nightly" +full +\S+Z +\S+Z +-`, "user", "keys", "ada@example.com")
	wantError(t, folder, "ada@example.com has no API key with the id 1", "user", "keys", "ada@example.com", "--delete", "1")
	wantOutput(t, folder, `The key is deleted\.`, "user", "keys", "ada@example.com", "--delete", id)
	s.want(401, "GET", "/protected", "", key...)
	wantError(t, folder, "no user has the email bob@example.com", "user", "keys", "bob@example.com")
}

func TestTheNameOfAKeyIsPrintedWithEscapes(t *testing.T) {
	needDatabase(t, "user keys ada@example.com")
	wantEscaped(t, "user keys ada@example.com", 2, `"x\u009b2J\x1b[2J\u0085\r\n\u202e\U000e0041\ty"`, addUser,
		"INSERT INTO api_keys (id, created_at, user_id, name, scope, hash) VALUES ("+rowID+", "+rowTime+", "+rowID+", '"+odd+"', '"+odd+"', 'x')")
}
