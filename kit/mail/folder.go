package mail

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/settings"
)

// Folder keeps the newest mails as JSON files, instead of sending them.
type Folder string

// Kept is the folder of development. Never keep mails in production, because the folder
// holds links that sign in.
const Kept Folder = "data/mail"

// maxKept is how many mails a Folder keeps.
const maxKept = 100

// suffix of the files. The names are UUIDv7s, so they are in the order of their time.
const suffix = ".json"

// KeptMail is a mail of a Folder.
type KeptMail struct {
	ID, To, Subject string
	Sent            time.Time
	Text, HTML      string
}

func (f Folder) keep(mail KeptMail) error {
	mail.ID, mail.Sent = uuid.Must(uuid.NewV7()).String(), time.Now().UTC().Truncate(time.Second)
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	lines.SetIndent("", "  ")
	lines.SetEscapeHTML(false) // people read it too
	path := f.path(mail.ID)
	temporary := path + ".new" // not listed before it is whole
	defer os.Remove(temporary)
	if err := errors.Join(lines.Encode(mail), settings.WriteNew(temporary, text.Bytes())); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	ids, _ := f.ids()
	for _, old := range ids[min(len(ids), maxKept):] {
		_ = os.Remove(f.path(old)) // else it stays: after an error, the new mail would be kept again
	}
	return nil
}

func (f Folder) path(id string) string { return filepath.Join(string(f), id+suffix) }

// ids returns the ids of the mails, the newest first.
func (f Folder) ids() (ids []string, err error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range slices.Backward(entries) {
		if id, found := strings.CutSuffix(entry.Name(), suffix); found {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// List returns the mails, the newest first. A file that cannot be read is one that says
// so, without an address.
func (f Folder) List() (mails []KeptMail, err error) {
	ids, err := f.ids()
	for _, id := range ids {
		kept, readErr := f.read(id)
		switch {
		case errors.Is(readErr, fs.ErrNotExist): // it was pruned
		case readErr != nil:
			mails = append(mails, KeptMail{Subject: id + suffix + " cannot be read", Text: readErr.Error()})
		default:
			mails = append(mails, kept)
		}
	}
	return mails, err
}

// Find returns the mail with an id. The error is fs.ErrNotExist if there is none.
func (f Folder) Find(id string) (KeptMail, error) {
	parsed, err := uuid.FromString(id)
	if err != nil || parsed.String() != id { // it becomes a path
		return KeptMail{}, fs.ErrNotExist
	}
	return f.read(id)
}

func (f Folder) read(id string) (kept KeptMail, err error) {
	text, err := os.ReadFile(f.path(id))
	if err != nil {
		return kept, err
	}
	return kept, json.Unmarshal(text, &kept)
}
