package commands

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the Go it was built with",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			version, compiler := "unknown", "unknown"
			if build, ok := debug.ReadBuildInfo(); ok {
				version, compiler = build.Main.Version, build.GoVersion
			}
			printf(cmd.OutOrStdout(), "latchkey %s %s\n", version, compiler)
		},
	}
}
