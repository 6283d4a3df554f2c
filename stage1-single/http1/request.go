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
// Beside them, flags.go has what both servers share on the command line, log.go
// what they tell of each connection, cache.go what is remembered from one request
// for the next, and experiments.go what is only there to be looked at. The rules
// are those of RFC 9110 (what a message means) and RFC 9112 (how it looks on the
// wire).
package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
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

// A StatusError says why a request gets an error answer. The client is told
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
func (req *Request) Read(r *bufio.Reader) (err error) {
	*req = Request{head: req.head[:0], Fields: req.Fields[:0]} // their memory is used again
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
// before the request line are skipped (RFC 9112 section 2.2): the head that is
// returned begins with the request line. Not a byte behind the head is taken
// from r, it may be the next request's; readPiece sees to that.
//
// The errors are a *StatusError or that of reading, in this order, after each
// piece, so that nobody fills the memory with a line that does not end:
//
//   - 408 when r's deadline (os.ErrDeadlineExceeded) passed after a byte had come
//   - any other error of reading, as it is: the client left, or said nothing
//   - 414 when the request line is over maxRequestLine bytes, line end not counted
//   - 431 when all that came is over maxHead bytes, skipped empty lines counted
//   - 400 from checkOctets, which looks at the head when it is whole
//
//lab:todo 1.3 read pieces up to the empty line, within the limits
func readHead(r *bufio.Reader, head []byte) ([]byte, error) {
	begin, lineStart := 0, 0 // where the request line begins, and the line that is being read
	for {
		piece, err := readPiece(r)
		head = append(head, piece...)
		line := trimLineEnd(head[lineStart:])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && len(head) > 0:
			return head, &StatusError{408, "the head was not complete in time"}
		case err != nil:
			return head, err
		case lineStart == begin && len(line) > maxRequestLine:
			return head, &StatusError{414, "the request line is over 8 KiB"}
		case len(head) > maxHead:
			return head, &StatusError{431, "the head is over 16 KiB"}
		case head[len(head)-1] != '\n':
			continue // the line goes on in the next piece
		case len(line) == 0 && lineStart > begin: // the end
			head = head[begin:]
			return head, checkOctets(head)
		}
		lineStart = len(head)
		if len(line) == 0 {
			begin = lineStart // it stood before the request line
		}
	}
}

// readPiece waits for a byte and takes from r what has come with it, but not
// more than the line: TCP delivers bytes in order, and in pieces of any size.
func readPiece(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	piece, _ := r.Peek(r.Buffered())
	if end := bytes.IndexByte(piece, '\n') + 1; end > 0 {
		piece = piece[:end]
	}
	_, err := r.Discard(len(piece)) // the bytes stay good until r is read again
	return piece, err
}

// checkOctets refuses what no line of a head may hold: a CR that is not part
// of a line end (RFC 9112 section 2.2) and control octets: those below 0x20 but
// for the tab, and 0x7f (RFC 9110 section 5.5). Octets above 0x7f stay: in a
// field value they are legal and opaque. The error is a badRequest.
//
//lab:todo 1.3 refuse control octets in every line of the head
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

// trimLineEnd removes CRLF, or the bare LF that textbook clients send; of a
// line whose LF has not come yet, the CR.
func trimLineEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// parseRequestLine reads the first line of a head (RFC 9112 section 3):
//
//	request-line = method SP request-target SP HTTP-version
//	HTTP-version = "HTTP/" DIGIT "." DIGIT
//
// The method is a token, whichever: it is judged later. The target is not
// empty and has no tab; what else it means is not decided here. The line comes
// without its line end, and Method and Target point into it. They are set
// before the version is looked at, so that a 505 to HEAD can leave out its
// body. A later minor version of HTTP/1 is read as 1.1 (RFC 9110 section 2.5).
//
// What does not fit is a badRequest; a good version that is not of HTTP/1 is a
// *StatusError with 505.
//
//lab:todo 1.4 take the request line apart: method, target, version
func (req *Request) parseRequestLine(line []byte) error {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, version, _ := bytes.Cut(rest, []byte(" "))
	if !isToken(method) || len(target) == 0 || bytes.IndexByte(target, '\t') >= 0 {
		return badRequest("the request line %q is not: method, space, target, space, version", line)
	}
	req.Method, req.Target = method, target
	v := version
	if len(v) != len("HTTP/1.1") || string(v[:5]) != "HTTP/" || !isDigit(v[5]) || v[6] != '.' || !isDigit(v[7]) {
		return badRequest("%q in %q is not an HTTP version", version, line)
	}
	if v[5] != '1' {
		return &StatusError{505, fmt.Sprintf("the version is %s, this server speaks HTTP/1.1", version)}
	}
	req.Minor = min(int(v[7]-'0'), 1) // 1.2 to 1.9 are 1.1
	return nil
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
// OWS is any number of spaces and tabs, and no part of the value. The name is a
// token. Whitespace before it (also obs-fold, section 5.2) or between it and
// the colon is an error: readers who disagree on it can be played against each
// other. A value may be empty and hold octets above 0x7f. The error quotes the line
// with %.60q, as a line may be long, and says which rule was broken, with the
// word whitespace, colon or token in it: the client shows it to a person. That
// it means 400 is for the caller to say, as this reads responses too. The field
// points into the line.
//
//lab:todo 1.5 split a field line into its name and its value
func ParseField(line []byte) (Field, error) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	switch {
	case len(line) > 0 && isSpace(line[0]):
		return Field{}, fmt.Errorf("the field line %.60q begins with whitespace", line)
	case !ok:
		return Field{}, fmt.Errorf("the field line %.60q has no colon", line)
	case len(name) > 0 && isSpace(name[len(name)-1]):
		return Field{}, fmt.Errorf("whitespace before the colon of %.60q", line)
	case !isToken(name):
		return Field{}, fmt.Errorf("the field name %.60q is not a token", name)
	}
	return Field{name, bytes.Trim(value, " \t")}, nil
}

// Is reports whether the field has this name, whatever the letter case.
func (f Field) Is(name string) bool { return equalFold(f.Name, name) }

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

// find returns how many fields with this name there are, and the value of the
// last one.
func find(fields []Field, name string) (value []byte, n int) {
	for _, f := range fields {
		if f.Is(name) {
			value = f.Value
			n++
		}
	}
	return value, n
}

// List returns the items of all fields with this name: their values are
// comma-separated lists (RFC 9110 section 5.6.1), here of words whose letter
// case does not matter. They come in small letters, without empty ones.
func List(fields []Field, name string) (items []string) {
	for _, f := range fields {
		if f.Is(name) {
			for item := range strings.SplitSeq(string(f.Value), ",") {
				if item = strings.Trim(item, " \t"); item != "" {
					items = append(items, lower(item))
				}
			}
		}
	}
	return items
}

// Has reports whether List has the item, which is given in small letters. It
// makes no list of it.
func Has(fields []Field, name, item string) bool {
	for _, f := range fields {
		if f.Is(name) {
			for other := range bytes.SplitSeq(f.Value, []byte(",")) {
				if equalFold(bytes.Trim(other, " \t"), item) {
					return true
				}
			}
		}
	}
	return false
}

// lower makes small letters of A to Z and of nothing else: strings.ToLower
// knows a letter, the Kelvin sign, that it would make a "k" of chunked.
func lower(s string) string {
	octets := []byte(s)
	for i, b := range octets {
		octets[i] = lowerOctet(b)
	}
	return string(octets)
}

func lowerOctet(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b - 'A' + 'a'
	}
	return b
}

// equalFold compares octets, whatever the case of A to Z.
func equalFold(octets []byte, s string) bool {
	if len(octets) != len(s) {
		return false
	}
	for i, b := range octets {
		if lowerOctet(b) != lowerOctet(s[i]) {
			return false
		}
	}
	return true
}

// checkHost asks for one valid Host: a request for HTTP/1.1 without it, or
// any with two, is a badRequest (RFC 9112 section 3.2). One that is there, also
// in HTTP/1.0, is a validAuthority.
//
//lab:todo 1.5 ask for one valid Host
func (req *Request) checkHost() error {
	host, n := find(req.Fields, "Host")
	if n > 1 || n == 0 && req.Minor >= 1 {
		return badRequest("%d Host fields", n)
	}
	if n == 1 && !validAuthority(host) {
		return badRequest("the Host %q is not valid", host)
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
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	for _, b := range host { // a name: letters, digits, and these
		if !isAlnum(b) && strings.IndexByte("-._~%!$&'()*+,;=", b) < 0 {
			return false
		}
	}
	if bytes.IndexByte(host, '%') >= 0 {
		_, err := url.PathUnescape(string(host)) // its escapes must be good
		return err == nil
	}
	return len(host) > 0
}

// checkFraming finds out whether a body follows the head, and refuses heads
// that leave it in doubt: two readers who disagree on where a request ends
// can be made to see two different second requests (RFC 9112 section 11.2).
// It sets HasBody. A body follows a Content-Length above 0 and any
// Transfer-Encoding (RFC 9112 section 6). Refused is, the first that holds:
//
//   - with 400: two Content-Length fields, equal ones too; one that is not
//     digits alone, or that no int64 holds
//   - with 400: Transfer-Encoding beside Content-Length, or in HTTP/1.0
//   - with 400: transfer codings that do not end in chunked, or have it twice
//   - with 501: a coding before chunked, because this server knows no other
//
//lab:todo 1.5 find out whether a body follows, and refuse what leaves it in doubt
func (req *Request) checkFraming() error {
	length, n := find(req.Fields, "Content-Length")
	if n > 0 {
		size, err := strconv.ParseUint(string(length), 10, 63) // digits only, and an int64 holds it
		if n > 1 || err != nil {
			return badRequest("%d Content-Length fields, the last is %q", n, length)
		}
		req.HasBody = size > 0
	}
	if _, m := find(req.Fields, "Transfer-Encoding"); m == 0 {
		return nil
	}
	req.HasBody = true
	codings := List(req.Fields, "Transfer-Encoding")
	last := len(codings) - 1
	switch {
	case n > 0:
		return badRequest("both Content-Length and Transfer-Encoding")
	case req.Minor == 0:
		return badRequest("Transfer-Encoding in an HTTP/1.0 request")
	case last < 0 || slices.Index(codings, "chunked") != last:
		return badRequest("chunked is not the last transfer coding, once, in %q", codings)
	case last > 0:
		return &StatusError{501, fmt.Sprintf("transfer coding %q", codings[0])}
	}
	return nil
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
func isAlnum(b byte) bool { return isDigit(b) || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }
