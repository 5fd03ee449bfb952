package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

const connectionCount = 10_000

// idleConnections opens 10,000 idle connections, and measures the memory and the
// other requests.
func (s *app) idleConnections(ctx context.Context) error {
	var limits syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limits); err != nil || limits.Max < connectionCount+500 {
		s.made.leftOut += fmt.Sprintf("a process may open %d files here; ", limits.Max)
		return nil
	}
	connections := make([]net.Conn, connectionCount)
	defer func() {
		for _, connection := range connections {
			if connection != nil {
				_ = connection.Close()
			}
		}
	}()
	var group errgroup.Group
	group.SetLimit(32)
	for i := range connections {
		group.Go(func() (err error) {
			connections[i], err = s.connect(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	memory, err := resident(s.api)
	if err != nil {
		return err
	}
	delays, err := openLoop(s.api.url+"/protected", http.Header{"Authorization": {"Bearer " + s.token}}, 200, 5*time.Second)
	if err != nil {
		return err
	}
	if memory > 0 {
		s.made.set("memory with 10,000 idle connections", memory, "each has asked for /protected once")
	}
	s.made.set("p99 of GET /protected among them", p99(delays), "200/s from their scheduled times")
	return nil
}

// connect sends one request and keeps the connection open.
func (s *app) connect(ctx context.Context) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(connection, "GET /protected HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n", s.token)
	reader := bufio.NewReaderSize(connection, 1024)
	status, err := reader.ReadString('\n')
	if err == nil && !strings.Contains(status, " 200 ") {
		err = fmt.Errorf("answered %s", status)
	}
	return connection, err
}
