package client_test

import (
	"context"
	"fmt"

	"example.com/latchkey/kit/client"
)

// The middleware of each request says who sends it, and any function below can ask.
func ExampleFrom() {
	ctx := client.With(context.Background(), client.Client{IP: "2001:db8::7", UserAgent: "curl/8.9"})

	sender := client.From(ctx)
	fmt.Println(sender.IP, sender.UserAgent)
	fmt.Println(sender.Network(), "counts as one client")
	// Output:
	// 2001:db8::7 curl/8.9
	// 2001:db8::/64 counts as one client
}
