package database

import (
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// networkFileSystems are those whose locks and shared memory SQLite cannot rely on.
var networkFileSystems = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CIFS_SUPER_MAGIC: "SMB",
	unix.CEPH_SUPER_MAGIC: "Ceph",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.V9FS_MAGIC:       "9P",
}

// NetworkFileSystem names the network file system of a SQLite file, or returns "".
func NetworkFileSystem(databaseURL string) string {
	var of unix.Statfs_t
	if isPostgres(databaseURL) || unix.Statfs(filepath.Dir(filePath(databaseURL)), &of) != nil {
		return ""
	}
	return networkFileSystems[int64(of.Type)] //nolint:unconvert // an int32 on some machines
}

// setUserTimeout limits how long sent data may stay without an acknowledgement
// (TCP_USER_TIMEOUT, tcp(7)). It fails for a Unix socket, which needs no limit.
func setUserTimeout(_, _ string, socket syscall.RawConn) error {
	return socket.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(connectionLossTimeout.Milliseconds()))
	})
}
