package http1

import (
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"
)

// pieceSize is in how many bytes at a time a large file is sent: each piece has a
// deadline of its own.
const pieceSize = 32 << 10

// statusText has the statuses that this server answers with and their reason
// phrases (RFC 9110 section 15; 431 is RFC 6585 section 5).
var statusText = map[int]string{
	200: "OK",
	301: "Moved Permanently",
	400: "Bad Request",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	408: "Request Timeout",
	414: "URI Too Long",
	431: "Request Header Fields Too Large",
	500: "Internal Server Error",
	501: "Not Implemented",
	503: "Service Unavailable",
	505: "HTTP Version Not Supported",
}

// A Response is what a request is answered with (RFC 9112 section 4). Fields
// of the head that are empty are left out.
type Response struct {
	Status        int
	Connection    string // "close" when the connection ends after this response
	Date          string // IMF-fixdate, see RFC 9110 section 6.6.1
	Allow         string
	Location      string
	ContentType   string
	ContentLength int64 // in bytes; below 0 it is left out

	Body []byte   // a body that is in memory
	File *os.File // or a large one, of which Size bytes are sent
	Size int64    // the body's bytes; equal to ContentLength, unless an experiment bends that

	HeadOnly bool // the answer to HEAD: the head that GET would get, and no body

	info fs.FileInfo // of the file in Body or File, before it was read: the response is remembered by it
}

// statusPage is the answer when there is no file to send: a page that says
// the status.
func statusPage(status int) *Response { return page(status, "") }

// panicPage is a 500. Of a panic that is a text it says the text, such as
// which step is not written yet; any other is for the log alone.
func panicPage(p any) *Response {
	if text, isText := p.(string); isText {
		return page(500, "<p>→ "+html.EscapeString(text)+"</p>\n") // the arrow has three bytes: a length in characters is seen
	}
	return statusPage(500)
}

// page is a page that says the status and, below it, what more there is.
func page(status int, more string) *Response {
	title := fmt.Sprintf("%d %s", status, statusText[status])
	resp := withBody(fmt.Appendf(nil, "<!DOCTYPE html><title>%s</title><h1>%s</h1>\n%s", title, title, more))
	resp.Status = status
	resp.ContentType = "text/html; charset=utf-8"
	return resp
}

// withBody is a response with a body that is in memory, after which the
// connection closes; who calls it sets the status and the type. ContentLength
// and Size count the body's bytes: in UTF-8 that is not the number of its
// characters.
//
//lab:todo 1.2 make a Response of a body, with its length in bytes
func withBody(body []byte) *Response {
	return &Response{Connection: "close", Body: body, Size: int64(len(body)), ContentLength: int64(len(body))}
}

// appendHead appends the bytes of the head to buf (RFC 9112 section 4): the
// status line, the field lines, and the empty line that ends them. Each ends
// in CR LF.
//
//	status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF
//	field-line  = field-name ":" SP field-value CRLF
//
// The version is HTTP/1.1, whatever the client's. The fields come in the order
// in which Response has them: Connection, Date, Allow, Location, Content-Type,
// Content-Length. One that is empty is left out, and so is a ContentLength
// below 0.
//
//lab:todo 1.2 append the status line, the field lines and the empty line
func (resp *Response) appendHead(buf []byte) []byte {
	buf = append(buf, "HTTP/1.1 "...)
	buf = strconv.AppendInt(buf, int64(resp.Status), 10)
	buf = append(buf, ' ')
	buf = append(buf, statusText[resp.Status]...)
	buf = append(buf, "\r\n"...)
	buf = appendField(buf, "Connection", resp.Connection)
	buf = appendField(buf, "Date", resp.Date)
	buf = appendField(buf, "Allow", resp.Allow)
	buf = appendField(buf, "Location", resp.Location)
	buf = appendField(buf, "Content-Type", resp.ContentType)
	if resp.ContentLength >= 0 {
		buf = append(buf, "Content-Length: "...)
		buf = strconv.AppendInt(buf, resp.ContentLength, 10)
		buf = append(buf, "\r\n"...)
	}
	return append(buf, "\r\n"...)
}

// appendField appends a field line, unless its value is empty.
func appendField(buf []byte, name, value string) []byte {
	if value == "" {
		return buf
	}
	buf = append(buf, name...)
	buf = append(buf, ": "...)
	buf = append(buf, value...)
	return append(buf, "\r\n"...)
}

// WriteTo writes the response to conn and returns how many bytes of the body
// were sent. Head and body leave in one write when the body is in memory:
// textbook clients call recv once and take what comes for the whole. Size bytes
// of File follow the head in pieces of up to pieceSize, never in memory as a
// whole. With HeadOnly the head is all.
//
// The client may take no byte for as long as stall. untilStalled sees to that: who
// is slow is served, and who has stopped is given up. It may call again when a part
// was written: go on behind the bytes that are done, in the file with Seek, since
// more may have been read of it than was taken. Of head and body in one write, what
// lies behind the head counts as sent.
//
// After an error the connection is of no more use: the client got less than the
// head announced. It is io.EOF when the file has become shorter than it was.
//
//lab:todo 1.2 write the head and the body, a large file piece by piece
func (resp *Response) WriteTo(conn net.Conn, stall time.Duration) (sent int64, err error) {
	message := messages.Get().(*[]byte)
	*message = resp.appendHead((*message)[:0])
	head := int64(len(*message))
	if !resp.HeadOnly {
		*message = append(*message, resp.Body...)
	}
	sent, err = untilStalled(conn, stall, int64(len(*message)), func(done int64) (int64, error) {
		n, err := conn.Write((*message)[done:])
		return int64(n), err
	})
	sent = max(0, sent-head)
	messages.Put(message)
	if err != nil || resp.HeadOnly || resp.File == nil {
		return sent, err
	}
	return untilStalled(conn, stall, resp.Size, func(done int64) (int64, error) {
		if _, err := resp.File.Seek(done, io.SeekStart); err != nil { // more may have been read than was taken
			return 0, err
		}
		// From a file to a socket, CopyN has the kernel do the copying (sendfile).
		return io.CopyN(conn, resp.File, min(resp.Size-done, pieceSize))
	})
}

// untilStalled calls write until size bytes are written, and returns how many
// were. Write goes on behind the bytes that are done, and returns how many it wrote:
// at least one, or an error. The error is write's: it is
// os.ErrDeadlineExceeded when conn took no byte for as long as stall.
//
// Each write has a deadline of its own. When it passes, some of the bytes may have
// been taken; and the system wakes up a writer only when there is room for many,
// so that there may be room for a few of which the writer was not told. So the deadlines are parts of
// stall, and it is tried again while bytes go.
func untilStalled(conn net.Conn, stall time.Duration, size int64, write func(done int64) (int64, error)) (done int64, err error) {
	tries := time.Duration(16)
	if runtime.GOOS == "windows" {
		tries = 1 // there nobody knows how much was taken before a deadline passed: golang.org/issue/24727
	}
	last := time.Now() // when a byte was taken
	for done < size {
		if err = conn.SetWriteDeadline(time.Now().Add(stall / tries)); err != nil {
			return done, err
		}
		n, err := write(done)
		done += n
		if n > 0 {
			last = time.Now()
		}
		again := tries > 1 && errors.Is(err, os.ErrDeadlineExceeded) && time.Since(last) < stall
		if err != nil && !again {
			return done, err
		}
	}
	return done, nil
}
