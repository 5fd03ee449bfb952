package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/latchkey/kit/apptest"
)

func TestTheMemoryOfAnswersThatNobodyReadsIsLimited(t *testing.T) {
	s := startServer(t, func(s *Settings) { s.MaxConnections = 4096 })
	get := func(path string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n", path)
	}
	const size = bigAnswer + len(`""`)
	var unread []testClient
	for network := range 5 {
		begun := 0
		for range maxMemory/4/size + 1 {
			c := s.connectFrom(fmt.Sprintf("127.0.0.%d", 2+network)).send(get("/big"))
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
		if begun > maxMemory/4/size || network < 4 && begun == 0 {
			t.Errorf("%d answers of %d bytes are sent to one address", begun, size)
		}
	}
	if len(unread) != maxMemory/size {
		t.Errorf("%d answers of %d bytes are sent at once", len(unread), size)
	}
	s.connect().send(get("/me")).read().Want(t, 200, "")
	s.connect().send(get("/big")).read().Want(t, 503, "overloaded")
	for _, c := range unread {
		_ = c.Close()
	}
	apptest.Await(t, "an answer that all others made room for", func() bool {
		return s.connect().send(get("/big")).read().Status == http.StatusOK
	})
}

func TestTheMemoryOfBodiesThatNobodyEndsIsLimited(t *testing.T) {
	s := startServer(t, func(s *Settings) { s.MaxConnections = 4096 })
	const size = 1 << 20
	begin := func(length int) string {
		return fmt.Sprintf("POST /big HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", length)
	}
	body := `{"text":"` + strings.Repeat("x", size-len(`{"text":""}`)) + `"`
	answers := make(chan string, maxMemory/4/size+1)
	for range cap(answers) { // one more than has room
		c := s.connectFrom("127.0.0.2").send(begin(2*size) + body) // net/http reads a short rest before it answers
		go func() {
			status, _ := c.answers.ReadString('\n')
			answers <- status
		}()
	}
	if status := apptest.Receive(t, "a body above the limit is refused", answers); !strings.Contains(status, " 503 ") {
		t.Errorf("%q", status)
	}
	s.connectFrom("127.0.0.2").send(me).read().Want(t, 401, "token_missing")
	s.connect().send(begin(size)+body+"}").read().Want(t, 200, "")
}
