package main

import "time"

var keyPromise = promise{"GET /protected with an API key", "GET /protected with a token", ">=", 0.9, ""}

// apiKeys compares requests with an API key and with an access token.
var apiKeys = step{"API keys and access tokens", func(b *bench) {
	withKey := *b.api
	withKey.token = b.api.ask("/keys", `{"name":"bench","scope":"read","current_password":"correct horse"}`, "key")
	b.turns(
		24, 300*time.Millisecond,
		b.send("GET /protected with a token", b.api.load(clients, "/protected", "")),
		b.send("GET /protected with an API key", withKey.load(clients, "/protected", "")),
	)
}}
