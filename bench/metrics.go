package main

import (
	"os"
	"time"
)

var metricsPromise = promise{"CPU of GET /protected with metrics", "CPU of GET /protected without metrics", "<=", 1.03, ""}

// metrics compares GET /protected with and without metrics by the CPU time of a request:
// a rate differs by more from turn to turn.
var metrics = step{"metrics", func(b *bench) {
	without, with := b.launch(os.Stderr), b.launch(os.Stderr, "APP_SERVER_METRICS_ADDRESS=127.0.0.1:0")
	b.turns(
		40, 250*time.Millisecond,
		b.send("GET /protected without metrics", without.load(clients, "/protected", "")),
		b.send("GET /protected with metrics", with.load(clients, "/protected", "")),
	)
}}
