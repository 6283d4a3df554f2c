package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// where is what the arguments ask for: a server, and a target on it.
type where struct {
	host, port string
	target     string // origin form: a path and a query (RFC 9112 section 3.2.1)
}

// parseArgs reads the arguments: host port file, or one http:// URL, or none.
func parseArgs(args []string) (where, error) {
	var w where
	switch len(args) {
	case 0:
		return where{"localhost", "6789", "/HelloWorld.html"}, nil
	case 1:
		scheme, rest, ok := strings.Cut(args[0], "://")
		if ok && strings.EqualFold(scheme, "https") {
			return w, errors.New("https:// needs TLS, and there is no TLS here: only http://")
		}
		if !ok || !strings.EqualFold(scheme, "http") {
			return w, fmt.Errorf("%q does not begin with http://; or give three arguments: host port file", args[0])
		}
		authority := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority, w.target = rest[:i], rest[i:]
		}
		var err error
		if w.host, w.port, err = net.SplitHostPort(authority); err != nil {
			w.host, w.port = authority, ""
		}
		if w.port == "" {
			w.port = "80"
		}
	case 3:
		w = where{args[0], args[1], args[2]}
	default:
		return w, fmt.Errorf("%d arguments: want host port file, or one that begins with http://, or none; flags come first", len(args))
	}
	w.host = strings.TrimSuffix(strings.TrimPrefix(w.host, "["), "]")
	notInHost := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/?#@\"<>[]`, r) }
	if w.host == "" || strings.ContainsFunc(w.host, notInHost) {
		return w, fmt.Errorf("%q is not a host name", w.host)
	}
	if n, err := strconv.ParseUint(w.port, 10, 16); err != nil || n == 0 {
		return w, fmt.Errorf("%q is not a port: want 1 to 65535", w.port)
	}
	w.target = encodeTarget(w.target)
	return w, nil
}

// encodeTarget makes a request-target of what a person typed (RFC 9112 section 3.2):
//
//	"a b/ä#x"        → "/a%20b/%C3%A4"
//	"/100%?q=%41"    → "/100%25?q=%41"
//
// A slash comes first, and what follows "#" is not sent. Octets up to the space, those
// above "~", a % that begins no escape, and " < > [ \ ] ^ ` { | } become %XX.
//
//lab:todo 3.1 slash first, no fragment, percent-encode what is not allowed
func encodeTarget(s string) string {
	s, _, _ = strings.Cut(s, "#")
	if !strings.HasPrefix(s, "/") {
		s = "/" + s
	}
	var target strings.Builder
	for i := range len(s) {
		_, notEscape := url.PathUnescape(s[i:min(i+3, len(s))])
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte("\"<>[\\]^`{|}", s[i]) >= 0 || s[i] == '%' && notEscape != nil {
			fmt.Fprintf(&target, "%%%02X", s[i])
		} else {
			target.WriteByte(s[i])
		}
	}
	return target.String()
}

// hostField is the value of Host: the port is left out if it is 80 (RFC 9112 section 3.2).
func (w where) hostField() string {
	host, _, _ := strings.Cut(w.host, "%") // the zone of an IPv6 address means nothing elsewhere
	switch {
	case w.port != "80":
		return net.JoinHostPort(host, w.port)
	case strings.Contains(host, ":"): // an IPv6 address
		return "[" + host + "]"
	}
	return host
}

// buildRequest makes the bytes of a request (RFC 9112 section 3):
//
//	"GET /HelloWorld.html HTTP/1.1\r\n" + "Host: localhost:6789\r\n" + "Connection: close\r\n" + "\r\n"
//
// Host is w.hostField(). Connection is keep-alive if the connection is to be
// persistent. The lines of extra follow, such as "Accept: text/html". But the first
// Host line of extra (see named) replaces Host, and the first Connection line Connection.
//
//lab:todo 3.1 write the request line, the field lines and the empty line
func buildRequest(method string, w where, persistent bool, extra []string) string {
	connection := "close"
	if persistent {
		connection = "keep-alive"
	}
	lines := []string{"Host: " + w.hostField(), "Connection: " + connection}
	for i, name := range []string{"Host", "Connection"} {
		if j := slices.IndexFunc(extra, named(name)); j >= 0 {
			lines[i] = extra[j]
			extra = slices.Delete(slices.Clone(extra), j, j+1)
		}
	}
	request := method + " " + w.target + " HTTP/1.1\r\n"
	for _, line := range append(lines, extra...) {
		request += line + "\r\n"
	}
	return request + "\r\n"
}

// named finds a field line by its name, in any letter case.
func named(name string) func(line string) bool {
	return func(line string) bool {
		before, _, _ := strings.Cut(line, ":")
		return strings.EqualFold(before, name)
	}
}
