package revocable_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/revocable"
)

// Of 3 requests with a session, the first reads it, and the one after a revocation.
func ExampleCache() {
	type user struct{ Name string }
	ada, session := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	live := true
	cache := revocable.New[user](1000, 5*time.Second)
	request := func() {
		who, ok, err := cache.Read(context.Background(), ada, session, func(context.Context) (user, bool, error) {
			fmt.Println("the database is asked")
			return user{"Ada"}, live, nil
		})
		fmt.Println(who.Name, ok, err)
	}

	request()
	request()
	live = false
	cache.Invalidate(ada)
	request()
	// Output:
	// the database is asked
	// Ada true <nil>
	// Ada true <nil>
	// the database is asked
	// Ada false <nil>
}
