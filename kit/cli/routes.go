package cli

import (
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (p Program[S]) routesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "routes",
		Short: "List every route and who may call it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			Printf(out, "METHOD\tPATH\tACCESS\tSUMMARY\n")
			for _, route := range p.Routes() {
				Printf(out, "%s\t%s\t%s\t%s\n", route.Method, route.Path, route.Access, route.Summary)
			}
			return out.Flush()
		},
	}
}
