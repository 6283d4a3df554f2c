package launch

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listening returns the addresses at which a process, or one that it has started, listens
// for connections. Only Linux tells: it lists the sockets with their numbers (proc_net(5)),
// and each process has links to its own.
func Listening(pid int) (at []netip.AddrPort, err error) {
	sockets := map[string]netip.AddrPort{} // by the link of a process that has it
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		table, err := os.ReadFile(name)
		if err != nil && !strings.HasSuffix(name, "6") { // a system without IPv6 has no such table
			return nil, err
		}
		for line := range strings.Lines(string(table)) {
			const local, state, inode, listens = 1, 3, 9, "0A"
			f := strings.Fields(line)
			if len(f) <= inode || f[state] != listens {
				continue
			}
			addr, err := socketAddr(f[local])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			sockets["socket:["+f[inode]+"]"] = addr
		}
	}
	if len(sockets) == 0 { // spares the look at every process
		return nil, nil
	}
	for member := range members(pid) {
		links, _ := filepath.Glob(filepath.Join(member, "fd", "*")) // a process that has ended meanwhile has none
		for _, link := range links {
			to, _ := os.Readlink(link)
			if addr, ok := sockets[to]; ok && !slices.Contains(at, addr) {
				at = append(at, addr)
			}
		}
	}
	slices.SortFunc(at, netip.AddrPort.Compare)
	return at, nil
}

// socketAddr reads an address of the table, as 0100007F:1F90: words of 32 bits as the
// machine has them, and a port.
func socketAddr(text string) (netip.AddrPort, error) {
	words, last, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(words)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i+4 <= len(bytes); i += 4 {
		binary.NativeEndian.PutUint32(bytes[i:], binary.BigEndian.Uint32(bytes[i:]))
	}
	port, err := strconv.ParseUint(last, 16, 16)
	ip, ok := netip.AddrFromSlice(bytes)
	if err == nil && !ok {
		err = fmt.Errorf("%q is no address", text)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), err
}
