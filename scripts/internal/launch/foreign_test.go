package launch

import (
	"net/netip"
	"strings"
	"testing"
)

// TestFound: where a program is reached that listens at these addresses.
func TestFound(t *testing.T) {
	for at, want := range map[string]string{
		"127.0.0.1:80 127.0.0.1:6789": "localhost:6789 ",
		"192.168.1.5:80 [::1]:81":     "192.168.1.5:80 192.168.1.5:80",
		"0.0.0.0:80":                  "localhost:80 0.0.0.0:80",
		"[::]:6789":                   "localhost:6789 ",
	} {
		var addrs []netip.AddrPort
		for addr := range strings.FieldsSeq(at) {
			addrs = append(addrs, netip.MustParseAddrPort(addr))
		}
		f := Foreign{}
		if f.found(addrs, "6789"); f.Addr+" "+f.Elsewhere != want || !f.Listens {
			t.Errorf("%s: %s %s, want %s", at, f.Addr, f.Elsewhere, want)
		}
	}
}
