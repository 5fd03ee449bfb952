package database

import (
	"strings"
	"syscall"
)

// setUserTimeout limits how long sent data may stay without an acknowledgement
// (TCP_USER_TIMEOUT, tcp(7)). A Unix socket needs no limit.
func setUserTimeout(network, _ string, socket syscall.RawConn) (err error) {
	const userTimeout = 0x12
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	controlErr := socket.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(connectionLossTimeout.Milliseconds()))
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}
