package cli_test

import (
	"context"
	"fmt"
	"os"

	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/settings"
)

type config struct {
	Environment string             `mapstructure:"environment"`
	Server      server.Settings    `mapstructure:"server"`
	Database    database.Settings  `mapstructure:"database"`
	Log         server.LogSettings `mapstructure:"log"`
}

func load(file string, environ []string) (config, error) {
	s := config{settings.Development, server.Defaults(), database.Defaults(), server.LogSettings{Level: "info"}}
	var faults settings.Faults
	faults.Read(file, environ, &s)
	s.Server.Check(faults.Section("server"))
	s.Database.Check(faults.Section("database"))
	s.Log.Check(faults.Section("log"))
	if len(faults) > 0 {
		return s, faults
	}
	return s, nil
}

func hello(context.Context, endpoint.None) (string, error) { return "Hello", nil }

func routes() []endpoint.Route {
	return []endpoint.Route{endpoint.Public("GET", "/hello", "Say hello", hello)}
}

func build(_ context.Context, b cli.Backend[config]) (server.Service, error) {
	engine, err := server.NewEngine(server.Options{Settings: b.Settings.Server, Log: b.Log, Routes: routes()}) //nolint:contextcheck // each request has its own
	return server.Service{Engine: engine}, err
}

// The main of a service. Without an argument it serves.
func ExampleProgram_Run() {
	program := cli.Program[config]{
		Name: "hello", Short: "Hello says hello",
		Load:     load,
		Common:   func(s config) cli.Common { return cli.Common(s) },
		Schema:   database.Schema{jobs.CreateJobs, jobs.TurnJobs},
		Routes:   routes,
		Document: func() ([]byte, error) { return endpoint.Document(endpoint.Info{Title: "Hello"}, routes()) },
		Jobs:     func(cli.Backend[config]) []jobs.Handler { return nil },
		Build:    build,
	}
	os.Args = []string{"hello", "routes"}
	fmt.Println(program.Run())
	// Output:
	// METHOD  PATH    ACCESS  SUMMARY
	// GET     /hello  public  Say hello
	// 0
}
