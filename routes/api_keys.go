package routes

import "example.com/latchkey/accounts"

// keyScheme is the name of the security scheme in the document. It is last in the
// alphabet, so that the page shows the login first.
const keyScheme = "key"

// byKey describes an API key, which is sent as an access token is (OpenAPI 3.1, section
// 4.8.27).
func byKey() map[string]any {
	return map[string]any{
		"type":        "http",
		"scheme":      "bearer",
		"description": "An API key, which begins with " + accounts.KeyPrefix + ". One with the scope read makes GET and HEAD requests.",
	}
}
