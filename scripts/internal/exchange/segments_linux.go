package exchange

import (
	"encoding/binary"
	"net"
	"syscall"
	"unsafe"
)

// segments is how many segments with data have come on a connection: tcpi_data_segs_in
// (tcp(7), linux/tcp.h).
func segments(conn net.Conn) (n int) {
	const dataSegsIn = 152 // its offset, on every architecture
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return 0
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		info := make([]byte, dataSegsIn+4)
		size := uint32(len(info))
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO, uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 && int(size) == len(info) { // an older system has fewer
			n = int(binary.NativeEndian.Uint32(info[dataSegsIn:]))
		}
	})
	return n
}
