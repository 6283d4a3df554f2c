// Package strict has what a server refuses when strangers can reach it. Without
// it the server is lenient, and works: take it for the last chapter. Each function
// returns nil if there is nothing to refuse. Package http1 asks them in the order
// in which a request comes:
//
//   - reader.go and strict.go: while the head comes: its size, its time, and each line
//   - request.go: when it is complete: Host, and where the request ends
//   - target.go: the target, the name that it stands for, the file of that name
package strict

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	maxRequestLine = 8 << 10  // bytes, without the line end; RFC 9112 section 3 wants at least 8000
	maxHead        = 16 << 10 // bytes, with the line ends, and with empty lines before it
)

// An Error says why a request is refused: the status is for the client, the
// reason for the log.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Reason) }

func badRequest(format string, args ...any) error {
	return &Error{400, fmt.Sprintf(format, args...)}
}

// Size is asked after each piece of a head: the request line has line bytes so
// far, the whole head has size bytes. A head has to fit into the memory: without a
// limit, one client could take all of it.
//
//	line 8193   → 414 (RFC 9112 section 3)
//	size 16385  → 431 (RFC 6585 section 5)
//
//lab:todo S.1 refuse a request line or a head that is too long
func Size(line, size int) error {
	switch {
	case line > maxRequestLine:
		return &Error{414, "the request line is over 8 KiB"}
	case size > maxHead:
		return &Error{431, "the head is over 16 KiB"}
	}
	return nil
}

// Time is asked when reading has ended with an error, after size bytes of a
// head. If it is os.ErrDeadlineExceeded, the client was too slow: it gets a 408 if it
// has sent at least one byte.
//
//lab:todo S.1 answer a head that is not complete in time with 408
func Time(size int, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && size > 0 {
		return &Error{408, "the head was not complete in time"}
	}
	return nil
}

// RequestLine is asked as soon as the request line has come (RFC 9112
// section 3):
//
//	request-line = method SP request-target SP HTTP-version
//	HTTP-version = "HTTP/" DIGIT "." DIGIT
//
// The method is a token (IsToken). The target is not empty, and has no tab. The line has
// no control octet (octets). A version of the right form that is not HTTP/1 is a 505.
// Everything else is a 400.
//
//lab:todo S.2 refuse a request line that does not follow the grammar
func RequestLine(line string) error {
	if err := octets(line); err != nil {
		return err
	}
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	if !IsToken(method) || target == "" || strings.Contains(target, "\t") {
		return badRequest("the request line %q is not: method, space, target, space, version", line)
	}
	number, isHTTP := strings.CutPrefix(version, "HTTP/")
	if !isHTTP || len(number) != 3 || !isDigits(number[:1]) || number[1] != '.' || !isDigits(number[2:]) {
		return badRequest("%q in %q is not an HTTP version", version, line)
	}
	if number[0] != '1' {
		return &Error{505, "the version is " + version + ", this server speaks HTTP/1.1"}
	}
	return nil
}

// FieldLine is asked for each field line. Malformed is the error of
// ParseField: readers that disagree about such a line can be played against each
// other. It is a 400, and so is a control octet.
//
//lab:todo S.2 refuse a field line that does not follow the grammar
func FieldLine(line string, malformed error) error {
	if err := octets(line); err != nil {
		return err
	}
	if malformed != nil {
		return badRequest("%v", malformed)
	}
	return nil
}

// octets refuses a CR that is not part of a line end (RFC 9112 section 2.2)
// and the other control octets: those below 0x20 but for the tab, and 0x7f (RFC
// 9110 section 5.5). Octets above 0x7f may be in a value.
//
//lab:todo S.2 refuse control octets
func octets(line string) error {
	for i := range len(line) {
		if b := line[i]; b < ' ' && b != '\t' || b == 0x7f {
			return badRequest("octet %#02x in the line %q", b, line)
		}
	}
	return nil
}
