package database

import "syscall"

// giveUp bounds how long what was sent may stay without an answer of the other
// machine's TCP (TCP_USER_TIMEOUT, tcp(7)).
func giveUp(_, _ string, socket syscall.RawConn) (err error) {
	const userTimeout = 0x12
	failed := socket.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(silence.Milliseconds()))
	})
	if failed != nil {
		return failed
	}
	return err
}
