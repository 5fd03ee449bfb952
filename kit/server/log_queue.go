package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"example.com/latchkey/kit/settings"
)

const (
	// maxField, in bytes, limits one field of a line, because clients choose what
	// some fields hold. A stack trace fits.
	maxField = 8 << 10

	// maxQueued, in bytes, limits the lines that wait to be written (some
	// thousands). The lines that are being written may take as much again.
	maxQueued = 1 << 20

	// writeDelay is how long a line waits for others, so that many are written at once.
	writeDelay = time.Millisecond
)

// LogSettings are the settings of the log.
type LogSettings struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// Check adds the faults of the settings.
func (s LogSettings) Check(f settings.Section) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Level) {
		f.Add("level", "%q is not one of debug, info, warn and error", s.Level)
	}
	if s.Format != "" && s.Format != "text" && s.Format != "json" {
		f.Add("format", "%q is neither text nor json", s.Format)
	}
}

// NewLog makes a log that writes to out. Without a format it is JSON in production, else
// text.
func NewLog(s LogSettings, environment string, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.Level)) // Check has accepted it
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: truncateField}
	if s.Format == "json" || s.Format == "" && environment == settings.Production {
		return slog.New(slog.NewJSONHandler(escapingWriter{out}, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// escapingWriter escapes characters that are allowed in JSON and that a terminal would
// follow. Text is quoted anyway.
type escapingWriter struct{ io.Writer }

func (w escapingWriter) Write(line []byte) (int, error) {
	if !slices.ContainsFunc(line, func(b byte) bool { return b >= 0x7f }) {
		return w.Writer.Write(line)
	}
	_, err := io.WriteString(w.Writer, Escape(string(line), "\n"))
	return len(line), err
}

func truncateField(_ []string, field slog.Attr) slog.Attr {
	switch field.Value.Kind() {
	case slog.KindString:
		field.Value = slog.StringValue(truncate(field.Value.String(), maxField))
	case slog.KindAny:
		if err, ok := field.Value.Any().(error); ok {
			field.Value = slog.StringValue(truncate(err.Error(), maxField))
		}
	}
	return field
}

// LogQueue queues lines for a writer that may block forever, such as a pipe that
// nobody reads, so that no request waits for it. It counts the lines that do not
// fit or cannot be written, and logs the count later.
type LogQueue struct {
	out     io.Writer
	report  slog.Handler // writes to out without the queue
	writing sync.Mutex   // held while out is written to

	mu      sync.Mutex
	lines   []byte
	dropped int
}

// NewQueuedLog is NewLog with a queue before out; its Close writes the last lines.
func NewQueuedLog(s LogSettings, environment string, out io.Writer) (*slog.Logger, *LogQueue) {
	queue := &LogQueue{out: out, report: NewLog(s, environment, out).Handler()}
	return NewLog(s, environment, queue), queue
}

// Write queues a line or drops it; it never fails. The first line of the queue waits
// for writeDelay, and the others are written with it.
func (q *LogQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines)+len(line) > maxQueued {
		q.dropped++
		return len(line), nil
	}
	if len(q.lines) == 0 {
		time.AfterFunc(writeDelay, q.flush)
	}
	q.lines = append(q.lines, line...)
	return len(line), nil
}

// Close writes the queued lines, and gives up after wait.
func (q *LogQueue) Close(wait time.Duration) {
	flushed := make(chan struct{})
	go func() {
		q.flush()
		close(flushed)
	}()
	select {
	case <-flushed:
	case <-time.After(wait):
	}
}

// flush writes all queued lines, and then how many were dropped.
func (q *LogQueue) flush() {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	lines, dropped := q.lines, q.dropped
	q.lines, q.dropped = nil, 0
	q.mu.Unlock()
	if len(lines) == 0 && dropped == 0 { // Close came before the timer
		return
	}
	written, err := q.out.Write(lines)
	if err == nil && dropped > 0 {
		record := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped: they could not be written fast enough", 0)
		record.Add("count", dropped)
		err = q.report.Handle(context.Background(), record)
	}
	if err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.dropped += dropped + bytes.Count(lines[written:], []byte("\n"))
	}
}

// Escape writes each character that is neither printable nor kept as \u and its UTF-16
// in hexadecimal, so that JSON keeps its meaning.
func Escape(text, kept string) string {
	var escaped strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) || strings.ContainsRune(kept, r) {
			escaped.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
	}
	return escaped.String()
}
