// Package parts lists the optional parts of the program. To remove one, delete its folder
// and its line.
package parts

import (
	"example.com/latchkey/app"
	"example.com/latchkey/parts/apikeys"
	"example.com/latchkey/parts/backup"
	"example.com/latchkey/parts/browser"
	"example.com/latchkey/parts/docs"
	"example.com/latchkey/parts/events"
	"example.com/latchkey/parts/mail"
	"example.com/latchkey/parts/metrics"
	"example.com/latchkey/parts/notes"
	"example.com/latchkey/parts/oauth"
	"example.com/latchkey/parts/oidc"
	"example.com/latchkey/parts/own"
	"example.com/latchkey/parts/totp"
)

// All returns the parts. Their hooks run in this order.
func All() []app.Part {
	return []app.Part{
		apikeys.Part(),
		browser.Part(),
		totp.Part(),
		oidc.Part(),
		mail.Part(),
		events.Part(),
		oauth.Part(),
		metrics.Part(),
		docs.Part(),
		backup.Part(),
		notes.Part(),
		own.Part(),
	}
}
