package endpoint

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// All times are in UTC and have microseconds, which every database can store. So
// the answer to a write is the same as to a later read.
var (
	unmarshalTimes = json.UnmarshalFunc(func(text []byte, t *time.Time) error {
		return errors.Join(json.Unmarshal(text, t), normalizeInput(t))
	})
	marshalTimes = json.WithMarshalers(json.MarshalToFunc(func(out *jsontext.Encoder, t time.Time) error {
		return out.WriteToken(jsontext.String(normalizeTime(t).Format("2006-01-02T15:04:05.000000Z07:00")))
	}))
)

func normalizeTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// normalizeInput normalizes a time of an input. It refuses a year outside 0 to 9999,
// which RFC 3339 cannot write.
func normalizeInput(t *time.Time) error {
	if *t = normalizeTime(*t); t.Year() < 0 || t.Year() > 9999 {
		return errors.New("is outside the years 0 to 9999 in UTC")
	}
	return nil
}
