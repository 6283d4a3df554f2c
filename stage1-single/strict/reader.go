package strict

import (
	"bufio"
	"bytes"
	"cmp"
	"strings"
)

// A HeadReader reads the pieces of one head, and no byte behind it, which may be the
// next request's. It looks at them, so that a head which is too long, too late, or
// wrong in its first line is refused early.
type HeadReader struct {
	Size int    // bytes that have come, with empty lines before the request line
	Line string // the request line, as far as it has come

	in    *bufio.Reader
	ended bool // the request line has come with its line end
}

// NewHeadReader reads from a connection.
func NewHeadReader(in *bufio.Reader) *HeadReader { return &HeadReader{in: in} }

// Piece waits until bytes come and returns them: all of the head if it has come at
// once, or else at most to the end of a line.
func (r *HeadReader) Piece() (string, error) {
	if r.Size == 0 {
		if err := r.skipEmptyLines(); err != nil {
			return "", err
		}
	}
	if _, err := r.wait(1); err != nil {
		return "", err
	}
	next, _ := r.in.Peek(r.in.Buffered()) // they are there
	end := bytes.IndexByte(next, '\n') + 1
	if whole := headEnd(next); r.Line == "" && whole > 0 {
		end = whole
	}
	if end > 0 {
		next = next[:end]
	}
	piece := string(next)
	r.in.Discard(len(piece))
	r.Size += len(piece)
	if r.ended {
		return piece, Size(0, r.Size)
	}
	line, _, ended := strings.Cut(piece, "\n")
	r.Line += line
	r.ended = ended
	line = strings.TrimSuffix(r.Line, "\r")
	err := Size(len(line), r.Size)
	if ended && err == nil {
		err = RequestLine(line)
	}
	return piece, err
}

// headEnd is where a head ends that begins here, or 0 if its end has not come.
func headEnd(b []byte) int {
	crlf, lf := bytes.Index(b, []byte("\n\r\n")), bytes.Index(b, []byte("\n\n"))
	switch {
	case lf >= 0 && (crlf < 0 || lf < crlf):
		return lf + 2
	case crlf >= 0:
		return crlf + 3
	}
	return 0
}

// skipEmptyLines skips empty lines before the request line (RFC 9112 section 2.2).
func (r *HeadReader) skipEmptyLines() error {
	for {
		next, err := r.wait(1)
		if err == nil && next[0] == '\r' {
			next, err = r.wait(2)
		}
		if err != nil || next[len(next)-1] != '\n' {
			return err
		}
		r.in.Discard(len(next)) // it is buffered
		r.Size += len(next)
		if err := Size(0, r.Size); err != nil {
			return err
		}
	}
}

// wait waits until n bytes have come, and leaves them where they are.
func (r *HeadReader) wait(n int) ([]byte, error) {
	next, err := r.in.Peek(n)
	if err != nil {
		err = cmp.Or(Time(r.Size+len(next), err), err)
	}
	return next, err
}
