package commands

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is well under what a container's health check waits.
const healthTimeout = 3 * time.Second

func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the running API whether it can serve, for a container's health check",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := settings(cmd)
			if err != nil {
				return err
			}
			host, port, err := net.SplitHostPort(settings.Server.Address)
			if err != nil {
				return err
			}
			if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			client := http.Client{Timeout: healthTimeout}
			request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
			if err != nil {
				return err
			}
			answer, err := client.Do(request)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			said, err := io.ReadAll(answer.Body)
			if err == nil && answer.StatusCode != http.StatusOK {
				err = fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(said)))
			}
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(string(said)))
			}
			return err
		},
	}
}
