package http1

import (
	"fmt"
	"io"
	"os"
	"strconv"
)

// statusText has the statuses that this server answers with, and their reason
// phrases (RFC 9110 section 15; 431 is RFC 6585 section 5).
var statusText = map[int]string{
	200: "OK", 301: "Moved Permanently",
	400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	408: "Request Timeout", 414: "URI Too Long", 431: "Request Header Fields Too Large",
	500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
	505: "HTTP Version Not Supported",
}

// A Response is what a request is answered with (RFC 9112 section 4). What is empty
// is left out of its head.
type Response struct {
	Status        int    // 200
	Connection    string // "close" if the connection ends after this response
	Date          string // RFC 9110 section 6.6.1
	Allow         string // the methods that are allowed, with a 405
	Location      string // the other place, with a 301
	ContentType   string // "text/html; charset=utf-8"
	ContentLength int64  // in bytes; below 0 it is left out

	Body     []byte   // a body in memory,
	File     *os.File // or a large one in a file,
	Size     int64    // of which so many bytes are sent
	HeadOnly bool     // the answer to HEAD: no body is sent

	Info os.FileInfo // of the file in Body
	Why  string      // for the log: why it is not a 200
}

// withBody makes a response that has a body in memory, and after which the
// connection closes.
//
//	withBody(200, "text/html; charset=utf-8", []byte("太"))  → ContentLength 3
//
// ContentLength counts bytes. In UTF-8, 太 has three.
//
//lab:todo 1.2 make a Response of a body, with its length in bytes
func withBody(status int, contentType string, body []byte) *Response {
	return &Response{
		Status:        status,
		Connection:    "close",
		ContentType:   contentType,
		ContentLength: int64(len(body)),
		Body:          body,
	}
}

// head returns the bytes of the head (RFC 9112 section 4): the status line, a
// line for each field that is not empty, and an empty line. Each ends in CR LF:
//
//	"HTTP/1.1 200 OK\r\n" + "Connection: close\r\n" + ... + "Content-Length: 36\r\n" + "\r\n"
//
// The version is always HTTP/1.1. statusText has the reason phrases. The fields
// are Connection, Date, Allow, Location, Content-Type, Content-Length.
//
//lab:todo 1.2 write the status line, the field lines and the empty line
func (resp *Response) head() []byte {
	length := ""
	if resp.ContentLength >= 0 {
		length = strconv.FormatInt(resp.ContentLength, 10)
	}
	head := make([]byte, 0, 512)
	head = append(head, "HTTP/1.1 "+strconv.Itoa(resp.Status)+" "+statusText[resp.Status]+"\r\n"...)
	head = appendField(head, "Connection", resp.Connection)
	head = appendField(head, "Date", resp.Date)
	head = appendField(head, "Allow", resp.Allow)
	head = appendField(head, "Location", resp.Location)
	head = appendField(head, "Content-Type", resp.ContentType)
	head = appendField(head, "Content-Length", length)
	return append(head, "\r\n"...)
}

// appendField appends a field line, unless its value is empty.
func appendField(head []byte, name, value string) []byte {
	if value == "" {
		return head
	}
	return append(append(append(append(head, name...), ": "...), value...), "\r\n"...)
}

// WriteTo sends a response to a client: the head, and behind it the body. They
// go in one Write, because textbook clients call recv once and take what comes
// for the whole. With HeadOnly the head is all. A File is sent by sendFile.
//
// It returns how many bytes of the body were sent.
//
//lab:todo 1.2 send the head, and the body if there is one
func (resp *Response) WriteTo(conn io.Writer) (body int64, err error) {
	head := resp.head()
	if resp.HeadOnly {
		_, err = conn.Write(head)
		return 0, err
	}
	sent, err := conn.Write(append(head, resp.Body...))
	if err != nil || resp.File == nil {
		return int64(max(0, sent-len(head))), err
	}
	return sendFile(conn, resp.File, resp.Size)
}

// sendFile sends size bytes of a large file, piece by piece, so that it is never in
// memory: io.CopyN does that. A file that has become shorter is io.EOF.
//
//lab:todo 1.6 send so many bytes of the file
func sendFile(conn io.Writer, file *os.File, size int64) (sent int64, err error) {
	return io.CopyN(conn, file, size)
}

// statusPage is a page that says the status. Why is for the log alone.
func statusPage(status int, why string) *Response {
	resp := Page(status, "")
	resp.Why = why
	return resp
}

// Page is a page that says the status and, below it, what more there is.
func Page(status int, more string) *Response {
	title := fmt.Sprintf("%d %s", status, statusText[status])
	text := fmt.Sprintf("<!DOCTYPE html><title>%s</title><h1>%s</h1>\n%s", title, title, more)
	return withBody(status, "text/html; charset=utf-8", []byte(text))
}
