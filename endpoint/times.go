package endpoint

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Times are in UTC, whatever zone a client wrote or a database gave, and to the
// microsecond, which every database keeps; so what is answered is what is kept.
var (
	readTimes = json.UnmarshalFunc(func(text []byte, t *time.Time) error {
		err := json.Unmarshal(text, t)
		*t = inUTC(*t)
		return err
	})
	writeTimes = json.WithMarshalers(json.MarshalToFunc(func(out *jsontext.Encoder, t time.Time) error {
		return out.WriteToken(jsontext.String(inUTC(t).Format("2006-01-02T15:04:05.000000Z07:00")))
	}))
)

func inUTC(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
