package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"weblab.example/stage1-single/http1"
)

// This file has what a client refuses that believes nothing. Without it the
// client is lenient, and works. Each function returns nil if it has nothing to
// refuse.

// maxSection bounds what has to be held in memory, in bytes: the heads of a
// response, a trailer section, or a line of the chunked coding.
const maxSection = 256 << 10

// checkSize is asked after each piece of a line. The section to which the line
// belongs, such as "the head", has size bytes so far. A server may send lines
// without end: more than maxSection is an error that names the section, and says
// that its lines are too long for this client.
//
//lab:todo S.5 refuse a section that is too long
func checkSize(section string, size int) error {
	if size > maxSection {
		return fmt.Errorf("%s is too long for this client: a section of lines may have %d bytes", section, maxSection)
	}
	return nil
}

// checkOctets is asked for each line of a section, which is without its line
// end. It refuses a CR in it (RFC 9112 section 2.2) and the other control octets: those
// below 0x20 but for the tab, and 0x7f (RFC 9110 section 5.5). To
//
//	"Transfer-Encoding: chunked\x00"
//	"X: a\rContent-Length: 2"
//
// two readers may give two meanings. Octets above 0x7f may be in a line.
//
//lab:todo S.5 refuse control octets
func checkOctets(section, line string) error {
	for i := range len(line) {
		if b := line[i]; b < ' ' && b != '\t' || b == 0x7f {
			return fmt.Errorf("control octet 0x%02x in %s: %.60q", b, section, line)
		}
	}
	return nil
}

var statusLine = regexp.MustCompile(`^HTTP/1\.[0-9] [1-9][0-9][0-9]( |$)`)

// checkStatusLine compares a status line with the grammar (RFC 9112 section 4),
// and refuses it with noStatusLine:
//
//	HTTP/2 200 OK, HTTP/1.10 200 OK    not HTTP/1 with a digit
//	HTTP/1.1 20 OK, HTTP/1.1 099 Low   not three digits from 100 on
//
// The reason phrase may be anything. It may be missing, and the space before it
// with it.
//
//lab:todo S.5 refuse a status line that is not to the letter
func checkStatusLine(line string) error {
	if !statusLine.MatchString(line) {
		return noStatusLine(line)
	}
	return nil
}

// checkLengths refuses with badLength what leaves in doubt that the body has so
// many bytes (RFC 9110 section 8.6):
//
//	Content-Length: 5, 6                   as well as in two fields
//	Content-Length: +5                     and all else that is not digits
//	Content-Length: 9223372036854775808    more than an int64 holds
//
//lab:todo S.5 refuse a Content-Length that is in doubt
func checkLengths(length int64, fields []http1.Field) error {
	for _, value := range http1.Values(fields, "Content-Length") {
		for item := range strings.SplitSeq(value, ",") {
			n, err := strconv.ParseUint(strings.Trim(item, " \t"), 10, 63)
			if err != nil || int64(n) != length {
				return badLength(value)
			}
		}
	}
	return nil
}

// joinFolded is asked after each field line. If the next line begins with a
// space or a tab, it belongs to this one, and is joined to it with a space
// between them (RFC 9112 section 5.2):
//
//	"X: a\r\n" + "  b\r\n" → "X: a   b"
//
// r.in.Peek shows the next byte. Its error is the connection's: return it, since the
// system tells of a reset only once.
//
//lab:todo S.5 join folded field lines
func (r *reader) joinFolded(line *string) error {
	joined := []byte(*line)
	next, err := r.in.Peek(1)
	for err == nil && (next[0] == ' ' || next[0] == '\t') {
		var more string
		if more, err = r.readLine(); err == nil {
			joined = append(append(joined, ' '), more...)
			next, err = r.in.Peek(1)
		}
	}
	*line = string(joined)
	return err
}
