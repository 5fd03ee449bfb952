package commands

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"example.com/latchkey/config"
)

const (
	// maxField, in bytes, limits one field of a line, because clients choose what
	// some fields hold. A stack trace fits.
	maxField = 8 << 10

	// maxQueued, in bytes, limits the lines that wait to be written (some
	// thousands). The lines that are being written may take as much again.
	maxQueued = 1 << 20

	// writePause is a pause after each write, so that many lines are written at once.
	writePause = time.Millisecond
)

func newLog(settings config.Settings, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.Log.Level)) // config has checked it
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: truncateField}
	format := settings.Log.Format
	if format == "json" || format == "" && settings.InProduction() {
		return slog.New(slog.NewJSONHandler(escapingWriter{out}, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// escapingWriter escapes what JSON may hold and a terminal obeys. Text is quoted anyway.
type escapingWriter struct{ io.Writer }

func (w escapingWriter) Write(line []byte) (int, error) {
	if !slices.ContainsFunc(line, func(b byte) bool { return b >= 0x7f }) {
		return w.Writer.Write(line)
	}
	_, err := io.WriteString(w.Writer, escape(string(line), "\n"))
	return len(line), err
}

func truncateField(_ []string, field slog.Attr) slog.Attr {
	text := ""
	switch field.Value.Kind() {
	case slog.KindString:
		text = field.Value.String()
	case slog.KindAny:
		if err, ok := field.Value.Any().(error); ok {
			text = err.Error()
		}
	}
	if len(text) <= maxField {
		return field
	}
	return slog.String(field.Key, text[:maxField]+"…")
}

// logQueue queues lines for a writer that may block forever, such as a pipe that
// nobody reads, so that no request waits for it. It counts the lines that do not
// fit or cannot be written, and logs the count later.
type logQueue struct {
	out    io.Writer
	report slog.Handler // writes to out without the queue

	mu      sync.Mutex
	lines   []byte
	dropped int

	added, closing, closed chan struct{}
}

// newQueuedLog is newLog with a queue before out; its Close writes the last lines.
func newQueuedLog(settings config.Settings, out io.Writer) (*slog.Logger, *logQueue) {
	queue := &logQueue{
		out: out, report: newLog(settings, out).Handler(),
		added: make(chan struct{}, 1), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	go queue.run()
	return newLog(settings, queue), queue
}

// Write queues a line or drops it; it never fails.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines)+len(line) > maxQueued {
		q.dropped++
		return len(line), nil
	}
	q.lines = append(q.lines, line...)
	select {
	case q.added <- struct{}{}:
	default:
	}
	return len(line), nil
}

// Close writes the queued lines, and gives up after wait.
func (q *logQueue) Close(wait time.Duration) {
	close(q.closing)
	select {
	case <-q.closed:
	case <-time.After(wait):
	}
}

func (q *logQueue) run() {
	defer close(q.closed)
	for {
		select {
		case <-q.added:
			q.write()
			select {
			case <-time.After(writePause):
			case <-q.closing:
			}
		case <-q.closing:
			q.write()
			return
		}
	}
}

// write writes all queued lines, and then how many were dropped.
func (q *logQueue) write() {
	for {
		q.mu.Lock()
		lines, dropped := q.lines, q.dropped
		if len(lines) > 0 {
			q.lines, q.dropped = nil, 0
		}
		q.mu.Unlock()
		if len(lines) == 0 {
			return
		}
		written, err := q.out.Write(lines)
		if err == nil && dropped > 0 {
			err = q.reportDropped(dropped)
		}
		if err != nil {
			q.mu.Lock()
			q.dropped += dropped + bytes.Count(lines[written:], []byte("\n"))
			q.mu.Unlock()
			return
		}
	}
}

func (q *logQueue) reportDropped(dropped int) error {
	record := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped: they could not be written fast enough", 0)
	record.Add("count", dropped)
	return q.report.Handle(context.Background(), record)
}
