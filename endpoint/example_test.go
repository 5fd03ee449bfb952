package endpoint_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/endpoint"
)

type tree struct {
	Name     string `json:"name" binding:"required,max=3"`
	Branches []tree `json:"branches" binding:"max=2,dive"`
}

func TestTheExampleOfABodyIsAccepted(t *testing.T) {
	type body struct {
		Title  string    `json:"title" binding:"required,min=8,max=200"`
		Code   string    `json:"code" binding:"required,len=3,alphanum" example:"a1b"`
		Size   int       `json:"size" binding:"min=3,max=5"`
		Share  float64   `json:"share" binding:"max=0.5"`
		Range  [2]int    `json:"range" example:"[1, 2]" binding:"required"`
		Mail   string    `json:"mail" binding:"required,email"`
		Page   string    `json:"page" binding:"omitempty,uri"`
		Kind   *string   `json:"kind" binding:"omitempty,oneof=b c"`
		Tags   []string  `json:"tags" binding:"min=2,dive,max=9"`
		Owner  uuid.UUID `json:"owner" binding:"required"`
		At     time.Time `json:"at" binding:"required"`
		Done   bool      `json:"done" binding:"required"`
		Inside struct {
			Tree *tree `json:"tree" binding:"required"`
		} `json:"inside"`
	}
	route := endpoint.Public("POST", "/x", "", func(context.Context, body) (endpoint.None, error) { return endpoint.None{}, nil })
	text, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{route})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	example := string(read.Paths["/x"]["post"].RequestBody.Content["application/json"].Example)
	if got := call(route, "/x", example); got.Code != 204 {
		t.Errorf("%s is answered %s", example, got.Body)
	}
}
