package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

const keyPromise = "GET /protected with an API key over a token"

// keyTurns measures requests with an API key and with an access token in turns.
func keyTurns(s *app) func(context.Context) error {
	return func(context.Context) error {
		const rounds, workers, turn = 24, 32, 300 * time.Millisecond
		var answer fasthttp.Response
		if err := fasthttp.Do(s.request("/keys", `{"name":"bench","scope":"read","current_password":"correct horse"}`), &answer); err != nil {
			return err
		}
		var made struct{ Key string }
		if err := json.Unmarshal(answer.Body(), &made); err != nil || made.Key == "" {
			return fmt.Errorf("POST /keys answered %s: %w", answer.Body(), err)
		}
		withKey := s.request("/protected", "")
		withKey.Header.Set("Authorization", "Bearer "+made.Key)
		var ratios []float64
		for range rounds {
			token, err := closedLoop(workers, turn, always(workers, s.request("/protected", "")))
			if err != nil {
				return err
			}
			key, err := closedLoop(workers, turn, always(workers, withKey))
			if err != nil {
				return err
			}
			ratios = append(ratios, key/token)
		}
		s.made.set(keyPromise, median(ratios), "%s", quartiles(ratios))
		return nil
	}
}
