package endpoint

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Times are in UTC, whatever zone a client wrote or a database gave, and to the
// microsecond, which every database keeps; so what is answered is what is kept.
var (
	readTimes = json.UnmarshalFunc(func(text []byte, t *time.Time) error {
		return errors.Join(json.Unmarshal(text, t), keepable(t))
	})
	writeTimes = json.WithMarshalers(json.MarshalToFunc(func(out *jsontext.Encoder, t time.Time) error {
		return out.WriteToken(jsontext.String(inUTC(t).Format("2006-01-02T15:04:05.000000Z07:00")))
	}))
)

func inUTC(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// keepable brings a time that was read into UTC. The error is about one that is
// outside the years 0 to 9999 then, which RFC 3339 cannot write.
func keepable(t *time.Time) error {
	if *t = inUTC(*t); t.Year() < 0 || t.Year() > 9999 {
		return errors.New("is outside the years 0 to 9999 in UTC")
	}
	return nil
}
