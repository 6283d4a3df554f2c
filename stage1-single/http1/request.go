// Package http1 speaks HTTP/1.1 by hand on a TCP connection: it reads a
// request, finds the file that is asked for, and writes the response.
//
// Read it in the order in which a request travels:
//
//   - request.go: bytes from the socket become a [Request]
//   - site.go: the request's target becomes a file, a [Response] in waiting
//   - response.go: the Response becomes bytes on the socket
//   - conn.go: one connection from accept to close
//
// Beside them, flags.go has what both servers share on the command line, and
// experiments.go what is only there to be looked at. The rules are those of
// RFC 9110 (what a message means) and RFC 9112 (how it looks on the wire).
package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Limits of a request's head, in bytes. A head must fit in memory before it
// can be judged, so without a limit one client could take all of it.
const (
	maxRequestLine = 8 << 10  // without its line end; RFC 9112 section 3 wants at least 8000
	maxHead        = 16 << 10 // with line ends, and the empty lines skipped before it
)

// A Request is the head of an HTTP/1.1 request (RFC 9112 section 3). It is
// made of octets, not characters, and so are its fields: they point into the
// head and are good until the next request is read.
type Request struct {
	Method []byte  // as it came; case matters
	Target []byte  // as it came: "/HelloWorld.html?x=1"
	Minor  int     // the d of HTTP/1.d, 0 or 1
	Fields []Field // in the order in which they came

	// HasBody says that a body follows. This server never reads one: what
	// comes after such a head cannot be the next request.
	HasBody bool

	head []byte // from the request line to the empty line, as it came
}

// A StatusError is a request that gets an error answer. The client is told
// the status, the log the reason.
type StatusError struct {
	Status int // 400, 404, ...
	Reason string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Reason) }

func badRequest(format string, args ...any) error {
	return &StatusError{400, fmt.Sprintf(format, args...)}
}

// Read reads the next request's head from r. The error is a *StatusError when
// the client should be answered; any other means that there is nothing to
// answer: the client left, or said nothing in time.
func (req *Request) Read(r *bufio.Reader) error {
	*req = Request{head: req.head[:0], Fields: req.Fields[:0]}
	var err error
	if req.head, err = readHead(r, req.head); err != nil {
		return err
	}
	line, rest := cutLine(req.head)
	if err := req.parseRequestLine(line); err != nil {
		return err
	}
	if err := req.parseFields(rest); err != nil {
		return err
	}
	if err := req.checkHost(); err != nil {
		return err
	}
	return req.checkFraming()
}

// readHead reads from r up to and including the empty line that ends a head,
// in however many pieces TCP delivers it, and appends it to head. Empty lines
// before the request line are skipped (RFC 9112 section 2.2).
//
// The errors are a *StatusError (414, 431, 400; 408 when r's deadline passed
// in the middle of a head) or that of reading.
func readHead(r *bufio.Reader, head []byte) ([]byte, error) {
	lineStart, skipped := 0, 0
	for {
		piece, err := arrived(r)
		head = append(head, piece...)
		line := head[lineStart:]
		switch {
		case lineStart == skipped && len(bytes.TrimRight(line, "\r\n")) > maxRequestLine:
			return head, &StatusError{414, "the request line is over 8 KiB"}
		case len(head) > maxHead:
			return head, &StatusError{431, "the head is over 16 KiB"}
		case errors.Is(err, os.ErrDeadlineExceeded) && len(head) > 0:
			return head, &StatusError{408, "the head was not complete in time"}
		case err != nil:
			return head, err
		case line[len(line)-1] != '\n': // the line goes on in the next piece
		case len(trimLineEnd(line)) > 0:
			lineStart = len(head)
		case lineStart > skipped: // the empty line that ends the head
			head = head[skipped:]
			return head, checkOctets(head)
		default: // an empty line before the request line
			lineStart, skipped = len(head), len(head)
		}
	}
}

// arrived takes from r the rest of the line, or as much of it as has arrived:
// TCP delivers bytes in order, but in pieces of any size.
func arrived(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	piece, _ := r.Peek(r.Buffered())
	if end := bytes.IndexByte(piece, '\n') + 1; end > 0 {
		piece = piece[:end]
	}
	_, err := r.Discard(len(piece))
	return piece, err
}

// checkOctets refuses what no line of a head may hold: a CR that is not part
// of a line end (RFC 9112 section 2.2) and control octets (RFC 9110 section
// 5.5). Octets above 0x7f stay: in a field value they are legal and opaque.
func checkOctets(head []byte) error {
	for len(head) > 0 {
		var line []byte
		line, head = cutLine(head)
		for _, b := range line {
			if b < ' ' && b != '\t' || b == 0x7f {
				return badRequest("octet %#02x in the line %q", b, line)
			}
		}
	}
	return nil
}

// cutLine splits off the first line of a head, without its line end.
func cutLine(head []byte) (line, rest []byte) {
	end := bytes.IndexByte(head, '\n') + 1
	return trimLineEnd(head[:end]), head[end:]
}

// trimLineEnd removes CRLF, or the bare LF that textbook clients send.
func trimLineEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		if n > 1 && line[n-2] == '\r' {
			line = line[:n-2]
		}
	}
	return line
}

// parseRequestLine reads the first line of a head (RFC 9112 section 3):
//
//	request-line = method SP request-target SP HTTP-version
func (req *Request) parseRequestLine(line []byte) error {
	method, rest, ok1 := bytes.Cut(line, []byte(" "))
	target, version, ok2 := bytes.Cut(rest, []byte(" "))
	switch {
	case !ok1 || !ok2 || len(target) == 0 || bytes.ContainsAny(rest, "\t") || bytes.Contains(version, []byte(" ")):
		return badRequest("the request line %q is not: method, space, target, space, version", line)
	case !isToken(method):
		return badRequest("the method %q is not a token", method)
	}
	major, minor, ok := parseVersion(version)
	if !ok {
		return badRequest("%q is not an HTTP version", version)
	}
	if major != 1 {
		return &StatusError{505, fmt.Sprintf("the version is %s, this server speaks HTTP/1.1", version)}
	}
	req.Method, req.Target, req.Minor = method, target, min(minor, 1) // 1.2 is read as 1.1 (RFC 9110 section 2.5)
	return nil
}

// parseVersion reads HTTP-version = "HTTP/" DIGIT "." DIGIT (RFC 9112 section 2.3).
func parseVersion(v []byte) (major, minor int, ok bool) {
	if len(v) != len("HTTP/1.1") || string(v[:5]) != "HTTP/" || !isDigit(v[5]) || v[6] != '.' || !isDigit(v[7]) {
		return 0, 0, false
	}
	return int(v[5] - '0'), int(v[7] - '0'), true
}

// A Field is one field of a header section: a name, in any letter case, and
// a value without the whitespace around it (RFC 9110 section 5).
type Field struct {
	Name, Value []byte
}

// ParseField reads one field line, without its line end (RFC 9112 section 5):
//
//	field-line = field-name ":" OWS field-value OWS
//
// The field points into the line.
func ParseField(line []byte) (Field, error) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	switch {
	case len(line) > 0 && isSpace(line[0]):
		return Field{}, fmt.Errorf("the field line %q begins with whitespace", line)
	case !ok:
		return Field{}, fmt.Errorf("the field line %q has no colon", line)
	case len(name) > 0 && isSpace(name[len(name)-1]):
		return Field{}, fmt.Errorf("whitespace before the colon of %q", line)
	case !isToken(name):
		return Field{}, fmt.Errorf("the field name %q is not a token", name)
	}
	return Field{name, bytes.Trim(value, " \t")}, nil
}

// Is reports whether the field has this name, whatever the letter case.
func (f Field) Is(name string) bool { return strings.EqualFold(string(f.Name), name) }

// parseFields reads the field lines of a head, up to its empty line.
func (req *Request) parseFields(rest []byte) error {
	for {
		var line []byte
		if line, rest = cutLine(rest); len(line) == 0 {
			return nil
		}
		field, err := ParseField(line)
		if err != nil {
			return badRequest("%v", err)
		}
		req.Fields = append(req.Fields, field)
	}
}

// checkHost asks for one valid Host: a request for HTTP/1.1 without it, or
// any with two, is a 400 (RFC 9112 section 3.2).
func (req *Request) checkHost() error {
	hosts := 0
	for _, f := range req.Fields {
		if f.Is("Host") {
			hosts++
			if !validAuthority(f.Value) {
				return badRequest("the Host %q is not valid", f.Value)
			}
		}
	}
	if hosts > 1 || hosts == 0 && req.Minor >= 1 {
		return badRequest("%d Host fields", hosts)
	}
	return nil
}

// validAuthority checks a host and port (RFC 3986 section 3.2), as they stand
// in Host and in a target; a user name is not allowed there.
//
//	authority = host [ ":" *DIGIT ]
func validAuthority(a []byte) bool {
	host, port := a, []byte(nil)
	if i := bytes.LastIndexByte(a, ':'); i > bytes.LastIndexByte(a, ']') {
		host, port = a[:i], a[i+1:]
	}
	for _, b := range port {
		if !isDigit(b) {
			return false
		}
	}
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		ip, err := netip.ParseAddr(string(host[1 : n-1]))
		return err == nil && ip.Is6()
	}
	for i, b := range host { // reg-name: unreserved, sub-delims, %XX
		if !isAlnum(b) && strings.IndexByte("-._~!$&'()*+,;=", b) < 0 && !isEscape(host[i:]) {
			return false
		}
	}
	return len(host) > 0
}

// checkFraming finds out whether a body follows the head, and refuses heads
// that leave it in doubt: two readers who disagree on where a request ends
// can be made to see two different second requests (RFC 9112 section 11.2).
func (req *Request) checkFraming() error {
	var length *Field
	var codings []string
	for i, f := range req.Fields {
		switch {
		case f.Is("Content-Length") && length != nil:
			return badRequest("two Content-Length fields")
		case f.Is("Content-Length"):
			length = &req.Fields[i]
			n, err := strconv.ParseUint(string(f.Value), 10, 63)
			if err != nil {
				return badRequest("the Content-Length %q is not a number of bytes", f.Value)
			}
			req.HasBody = n > 0
		case f.Is("Transfer-Encoding"):
			codings = append(codings, strings.Split(strings.ToLower(string(f.Value)), ",")...)
		}
	}
	if codings == nil {
		return nil
	}
	req.HasBody = true
	for i := range codings {
		codings[i] = strings.Trim(codings[i], " \t")
	}
	last := len(codings) - 1
	switch {
	case length != nil:
		return badRequest("both Content-Length and Transfer-Encoding")
	case req.Minor == 0:
		return badRequest("Transfer-Encoding in an HTTP/1.0 request")
	case codings[last] != "chunked":
		return badRequest("the Transfer-Encoding %q does not end in chunked", codings)
	}
	for _, coding := range codings[:last] {
		if coding == "chunked" {
			return badRequest("chunked twice")
		}
		return &StatusError{501, fmt.Sprintf("the transfer coding %q", coding)}
	}
	return nil
}

// HasOption reports whether a Connection field lists the option, such as
// "close", whatever the letter case (RFC 9110 section 7.6.1).
func HasOption(fields []Field, option string) bool {
	for _, f := range fields {
		if !f.Is("Connection") {
			continue
		}
		for item := range bytes.SplitSeq(f.Value, []byte(",")) {
			if strings.EqualFold(string(bytes.Trim(item, " \t")), option) {
				return true
			}
		}
	}
	return false
}

// isToken checks token = 1*tchar (RFC 9110 section 5.6.2).
func isToken(s []byte) bool {
	for _, b := range s {
		if !isAlnum(b) && strings.IndexByte("!#$%&'*+-.^_`|~", b) < 0 {
			return false
		}
	}
	return len(s) > 0
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }
func isDigit(b byte) bool { return '0' <= b && b <= '9' }
func isAlnum(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'z' }

// isEscape reports whether s begins with a percent-escape, such as %2F.
func isEscape(s []byte) bool {
	return len(s) > 2 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

func isHex(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'f' }
