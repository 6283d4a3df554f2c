package http1

import (
	"fmt"
	"io"
	"os"
	"slices"
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

// A Response is what a request is answered with (RFC 9112 section 4).
type Response struct {
	Status        int    // 200
	Connection    string // "close" if the connection ends after this response
	Date          string // RFC 9110 section 6.6.1
	Allow         string // the methods that are allowed, with a 405
	Location      string // the other place, with a 301
	ContentType   string // "text/html; charset=utf-8"
	ContentLength int64  // in bytes; below 0 it is left out

	Body     []byte   // the body, if it is in memory
	File     *os.File // the file with the body, if it is large
	Size     int64    // how many bytes of File are sent
	HeadOnly bool     // the answer to HEAD: no body is sent

	Info os.FileInfo // of the file in Body
	Why  string      // for the log: why it is not a 200
}

// withBody makes a response with a body in memory. Its Connection is "close".
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

// head returns the bytes of the head (RFC 9112 section 4): the status line, a line
// for each of resp.fields(), and an empty line. appendLine adds the CR LF:
//
//	"HTTP/1.1 200 OK\r\n" + "Connection: close\r\n" + ... + "Content-Length: 36\r\n" + "\r\n"
//
// The version is always HTTP/1.1. statusText has the reason phrases.
//
//lab:todo 1.2 write the status line, the field lines and the empty line
func (resp *Response) head() []byte {
	head := appendLine(make([]byte, 0, 256), "HTTP/1.1 ", strconv.Itoa(resp.Status), " ", statusText[resp.Status])
	for _, f := range resp.fields() {
		head = appendLine(head, f.Name, ": ", f.Value)
	}
	return appendLine(head)
}

// appendLine appends the parts of a line, and its end.
func appendLine(head []byte, parts ...string) []byte {
	for _, part := range parts {
		head = append(head, part...)
	}
	return append(head, "\r\n"...)
}

// fields lists the fields of the head in their order, without the empty ones.
func (resp *Response) fields() []Field {
	length := ""
	if resp.ContentLength >= 0 {
		length = strconv.FormatInt(resp.ContentLength, 10)
	}
	all := []Field{{"Connection", resp.Connection}, {"Date", resp.Date}, {"Allow", resp.Allow},
		{"Location", resp.Location}, {"Content-Type", resp.ContentType}, {"Content-Length", length}}
	return slices.DeleteFunc(all, func(f Field) bool { return f.Value == "" })
}

// WriteTo sends a response to a client: the head, then the body. They go in one Write,
// because textbook clients call recv once and take what comes for the whole. With
// HeadOnly the head is all. If there is a File, sendFile sends it behind the head.
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

// Page is a page that says the status, and then the text in more.
func Page(status int, more string) *Response {
	title := fmt.Sprintf("%d %s", status, statusText[status])
	text := fmt.Sprintf("<!DOCTYPE html><title>%s</title><h1>%s</h1>\n%s", title, title, more)
	return withBody(status, "text/html; charset=utf-8", []byte(text))
}
