package apptest

import (
	"context"

	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

// maxSent is how many messages wait for the test.
const maxSent = 1000

// Message is what the API has sent: a text with data.
type Message struct {
	To   models.Email
	Text string // its name
	Data any
}

// mailbox keeps what the API sends for NextMessage. In production, it sends nothing.
func mailbox(a *App) func(context.Context, models.Email, string, any) error {
	if a.Settings.InProduction() {
		return nil
	}
	a.messages = make(chan Message, maxSent)
	return func(_ context.Context, to models.Email, text string, data any) error {
		a.messages <- Message{to, text, data}
		return nil
	}
}

// NextMessage waits for the next message. RunJobs sends messages.
func (a *App) NextMessage() Message {
	a.t.Helper()
	return kit.Receive(a.t, "a message is sent", a.messages)
}

// Sent returns how many messages wait for NextMessage.
func (a *App) Sent() int { return len(a.messages) }
