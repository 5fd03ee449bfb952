package commands

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

// limit, in bytes, is what config.yaml says of all answers over 16 KiB.
const limit = 64 << 20

func TestTheMemoryOfAnswersThatNobodyReadsIsLimited(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s := startServer(t, func(s *config.Settings) { s.Server.MaxConnections = 4096 })
	bearer := s.app.Admin("root@example.com")
	name := strings.Repeat("\x01", 10_000)
	for i := range 19 { // a page with the admin
		user := models.User{Email: models.Email(fmt.Sprintf("user%d@example.com", i)), Name: &name, Role: models.RoleUser}
		if err := s.app.DB.Create(&user).Error; err != nil {
			t.Fatal(err)
		}
	}
	get := func(path string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n", path, bearer[0], bearer[1])
	}
	size := len(s.app.Get("/users", bearer...).Want(t, 200, "").Body)
	var unread []client
	for network := range 5 {
		begun := 0
		for range limit/4/size + 1 {
			c := s.connectFrom(fmt.Sprintf("127.0.0.%d", 2+network)).send(get("/users"))
			answer, err := http.ReadResponse(c.answers, nil) //nolint:bodyclose // it is not read
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode == http.StatusOK {
				begun++
				unread = append(unread, c)
			} else if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Fatal(answer)
			}
		}
		if begun > limit/4/size || network < 4 && begun == 0 {
			t.Errorf("%d answers of %d bytes are sent to one address", begun, size)
		}
	}
	if len(unread) != limit/size {
		t.Errorf("%d answers of %d bytes are sent at once", len(unread), size)
	}
	s.connect().send(get("/me")).read().Want(t, 200, "")
	s.connect().send(get("/users")).read().Want(t, 503, "overloaded")
	for _, c := range unread {
		_ = c.Close()
	}
	kit.Await(t, "an answer that all others made room for", func() bool {
		return s.connect().send(get("/users")).read().Status == http.StatusOK
	})
}
