package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
)

// writer blocks in each Write until release, and then returns err.
type writer struct {
	entered, release chan struct{}

	mu   sync.Mutex
	err  error
	text bytes.Buffer
}

func newWriter() *writer {
	return &writer{entered: make(chan struct{}, 1), release: make(chan struct{})}
}

func (w *writer) Write(lines []byte) (int, error) {
	select {
	case w.entered <- struct{}{}:
	default:
	}
	<-w.release
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	return w.text.Write(lines)
}

func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

var droppedLines = regexp.MustCompile(`"log lines were dropped: they could not be written fast enough" count=(\d+)\n`)

// countLines returns how many lines were written, and how many the log reports as
// dropped.
func countLines(t *testing.T, text string) (written, dropped int) {
	t.Helper()
	for _, found := range droppedLines.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		dropped += n
	}
	return strings.Count(droppedLines.ReplaceAllString(text, ""), "\n"), dropped
}

func TestALogThatNobodyReadsBlocksNoRequest(t *testing.T) {
	const requests = 20_000
	out := newWriter()
	log, queue := NewQueuedLog(LogSettings{}, "", out)
	engine := gin.New()
	engine.Use(logRequests(log, nothingMore))
	for range requests { // without the queue, the first one would block
		answer := httptest.NewRecorder()
		engine.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		if answer.Code != 404 {
			t.Fatal(answer.Code)
		}
	}
	queue.mu.Lock()
	waiting, dropped := len(queue.lines), queue.dropped
	queue.mu.Unlock()
	if waiting > maxQueued || dropped == 0 {
		t.Errorf("%d bytes wait, %d lines were dropped", waiting, dropped)
	}
	close(out.release)
	queue.Close(time.Minute)
	if written, reported := countLines(t, out.text.String()); reported != dropped || written+reported != requests {
		t.Errorf("%d lines were written and %d reported as dropped, want %d of %d", written, reported, dropped, requests)
	}
}

func TestLinesThatCannotBeWrittenAreReportedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newWriter()
		close(out.release)
		log, queue := NewQueuedLog(LogSettings{}, "", out)
		out.fail(errors.New("broken pipe"))
		for range 3 {
			log.Info("lost")
			time.Sleep(2 * writeDelay)
		}
		out.fail(nil)
		log.Info("kept")
		time.Sleep(2 * writeDelay)
		log.Info("kept")
		queue.Close(time.Minute)
		if written, reported := countLines(t, out.text.String()); written != 2 || reported != 3 {
			t.Errorf("%d written, %d reported: %s", written, reported, out.text.String())
		}
	})
}

func TestTheEndWaitsBrieflyForALogThatNobodyReads(t *testing.T) {
	out := newWriter()
	defer close(out.release)
	log, queue := NewQueuedLog(LogSettings{}, "", out)
	log.Info("stopped")
	<-out.entered
	const wait = 20 * time.Millisecond
	started := time.Now()
	queue.Close(wait)
	if waited := time.Since(started); waited < wait || waited > time.Minute {
		t.Errorf("waited %v", waited)
	}
}

func TestTheLogEscapesWhatIsNotPrintable(t *testing.T) {
	for format, want := range map[string]string{"text": `é\u009b\u202e\x1b\n`, "json": `é\u009b\u202e\u001b\n`} {
		settings := LogSettings{Format: format}
		var out bytes.Buffer
		NewLog(settings, "", &out).Info("m", "error", "é\u009b\u202e\x1b\n")
		if text := out.String(); !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
			t.Errorf("as %s: %q", format, text)
		}
	}
}

func TestALongFieldOfTheLogIsTruncated(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	for _, format := range []string{"text", "json"} {
		settings := LogSettings{Format: format}
		for name, write := range map[string]func(*slog.Logger){
			"a string":             func(log *slog.Logger) { log.Info("m", "field", long) },
			"an error":             func(log *slog.Logger) { log.Info("m", "field", errors.New(long)) },
			"an error of net/http": func(log *slog.Logger) { newServer(nil, log).ErrorLog.Print(long) },
			"a field of With":      func(log *slog.Logger) { log.With("field", long).Info("m") },
		} {
			var out bytes.Buffer
			write(NewLog(settings, "", &out))
			if out.Len() < maxField || out.Len() > maxField+200 || !strings.Contains(out.String(), "x…") {
				t.Errorf("%s as %s: %d bytes: %.200s", name, format, out.Len(), out.String())
			}
			if format == "json" && !json.Valid(out.Bytes()) {
				t.Errorf("%s is not JSON: %.200s", name, out.String())
			}
		}
	}
}
