package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is shorter than the timeout of a container's health check.
const healthTimeout = 3 * time.Second

func (p Program[S]) checkHealth(cmd *cobra.Command, _ []string) error {
	read, err := p.Settings(cmd)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(p.Common(read).Server.Address)
	if err != nil {
		return err
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	client := http.Client{Timeout: healthTimeout, Transport: new(http.Transport)} // not by HTTP_PROXY
	request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(body))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	Printf(cmd.OutOrStdout(), "%s\n", text)
	return nil
}
