package launch

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A socket is a line of the system's tables of TCP sockets (proc_net(5)).
type socket struct {
	local, remote netip.AddrPort
	state         string // two hexadecimal digits
	inode         string // its number, among the links of the process that has it
}

// sockets reads the tables.
func sockets() (all []socket, err error) {
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		table, err := os.ReadFile(name)
		if err != nil && !strings.HasSuffix(name, "6") { // a system without IPv6 has no such table
			return nil, err
		}
		lines := strings.Split(strings.TrimSpace(string(table)), "\n")
		for _, line := range lines[1:] { // the first has titles
			const local, remote, state, inode = 1, 2, 3, 9
			f := strings.Fields(line)
			if len(f) <= inode {
				return nil, fmt.Errorf("%s: the line %q is too short", name, line)
			}
			here, err := socketAddr(f[local])
			there, bad := socketAddr(f[remote])
			if err = errors.Join(err, bad); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, socket{here, there, f[state], f[inode]})
		}
	}
	return all, nil
}

// States tells the states of the sockets of connections, with the names of RFC 9293, section 3.3.2. A
// socket that the system does not know any more is CLOSED. Only Linux tells.
func States(connections [][2]netip.AddrPort) (states []string, err error) {
	all, err := sockets()
	if err != nil {
		return nil, err
	}
	for _, c := range connections {
		state := "CLOSED"
		if i := slices.IndexFunc(all, func(s socket) bool { return s.local == c[0] && s.remote == c[1] }); i >= 0 {
			n, err := strconv.ParseUint(all[i].state, 16, 8)
			if err != nil || int(n) >= len(stateNames) {
				return nil, fmt.Errorf("there is no state %q", all[i].state)
			}
			state = stateNames[n]
		}
		states = append(states, state)
	}
	return states, nil
}

// stateNames are in the order of Linux' numbers (include/net/tcp_states.h). The last is a
// connection that is being opened, too.
var stateNames = []string{"", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2",
	"TIME-WAIT", "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED"}

// Listening returns the addresses at which a process, or one that it has started, listens
// for connections. Only Linux tells: each process has links to its sockets.
func Listening(pid int) (at []netip.AddrPort, err error) {
	all, err := sockets()
	if err != nil {
		return nil, err
	}
	sockets := map[string]netip.AddrPort{} // by the link of a process that has it
	for _, s := range all {
		if s.state == "0A" {
			sockets["socket:["+s.inode+"]"] = s.local
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
