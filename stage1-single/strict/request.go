package strict

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Host gets the values of the Host fields. It asks for one (RFC 9112 section 3.2), and
// that isAuthority takes it:
//
//	none in HTTP/1.1 (minor 1)          → 400; in HTTP/1.0 it is nil
//	two in any version, or one like a/b → 400
//
// One server can have many sites, and two readers must not see two different ones.
//
//lab:todo S.3 ask for one valid Host
func Host(hosts []string, minor int) error {
	if len(hosts) > 1 || len(hosts) == 0 && minor >= 1 {
		return badRequest("%d Host fields", len(hosts))
	}
	if len(hosts) == 1 && !isAuthority(hosts[0]) {
		return badRequest("the Host %q is not valid", hosts[0])
	}
	return nil
}

// Framing refuses a request whose end is not certain. Two readers that disagree about it
// can be made to see two different next requests (RFC 9112 section 11.2). It gets the
// values of Content-Length, and the items of Transfer-Encoding, nil without that field.
//
//	two lengths, equal ones too; one that is not digits, or over an int64  → 400
//	codings and a length; codings in HTTP/1.0 (minor 0)                    → 400
//	codings {}, {chunked, gzip}, or {chunked, chunked}                     → 400
//	codings {gzip, chunked}: this server knows chunked alone               → 501
//
//lab:todo S.3 refuse a request whose end is not certain
func Framing(lengths, codings []string, minor int) error {
	for _, length := range lengths {
		if _, err := strconv.ParseUint(length, 10, 63); err != nil || len(lengths) > 1 {
			return badRequest("%d Content-Length fields, with %q", len(lengths), length)
		}
	}
	if codings == nil {
		return nil
	}
	last := len(codings) - 1
	switch {
	case len(lengths) > 0:
		return badRequest("both Content-Length and Transfer-Encoding")
	case minor == 0:
		return badRequest("Transfer-Encoding in an HTTP/1.0 request")
	case last < 0 || slices.Index(codings, "chunked") != last:
		return badRequest("chunked is not the last transfer coding, once, in %q", codings)
	case last > 0:
		return &Error{501, fmt.Sprintf("transfer coding %q", codings[0])}
	}
	return nil
}

// isAuthority checks a host and a port, as they stand in Host and in a target
// (RFC 3986 section 3.2): localhost:6789, or [::1]. A user name is not allowed.
func isAuthority(authority string) bool {
	host, port := authority, ""
	if i := strings.LastIndex(authority, ":"); i > strings.LastIndex(authority, "]") {
		host, port = authority[:i], authority[i+1:]
	}
	if inside, ok := strings.CutPrefix(host, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inside, "]"))
		return err == nil && ip.Is6() && ip.Zone() == "" && strings.HasSuffix(host, "]") && isDigits(port)
	}
	_, badEscape := url.PathUnescape(host)
	return host != "" && badEscape == nil && isDigits(port) && only(host, "-._~%!$&'()*+,;=")
}

// IsToken checks token = 1*tchar (RFC 9110 section 5.6.2).
func IsToken(s string) bool { return s != "" && only(s, "!#$%&'*+-.^_`|~") }

// isDigits reports whether there are digits in s, and nothing else.
func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// only reports whether s has letters, digits and these others, and nothing else.
func only(s, others string) bool {
	for i := range len(s) {
		b := s[i]
		if letter := b | 0x20; ('a' > letter || letter > 'z') && ('0' > b || b > '9') && strings.IndexByte(others, b) < 0 {
			return false
		}
	}
	return true
}
