package http1

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"

	"weblab.example/stage1-single/strict"
)

// A Request is the head of a request (RFC 9112 section 3). No body is read.
type Request struct {
	Method string  // "GET"; case matters
	Target string  // "/HelloWorld.html?x=1", as it came
	Minor  int     // the version is HTTP/1.Minor
	Fields []Field // in the order in which they came

	Head string // all of it as it came, from the request line to the empty line
	Size int    // how many bytes were read: Head, and empty lines before it
}

// ReadRequest reads the next request, or what comes of it. With a *strict.Error the
// client gets an answer; with any other error there is nobody to answer.
func ReadRequest(in *bufio.Reader) (*Request, error) {
	from := strict.NewHeadReader(in)
	head, err := readHead(from)
	req := &Request{Head: head, Size: from.Size, Fields: make([]Field, 0, 8)}
	if err != nil {
		req.Head = max(head, from.Line) // the longer one: both begin with the request line
		return req, err
	}
	line, rest := cutLine(head)
	req.parseRequestLine(line)
	for line, rest = cutLine(rest); line != ""; line, rest = cutLine(rest) {
		field, malformed := ParseField(line)
		if err := strict.FieldLine(line, malformed); err != nil {
			return req, err
		}
		if malformed == nil {
			req.Fields = append(req.Fields, field)
		}
	}
	return req, req.check()
}

// readHead reads a request's head, up to and including the empty line that ends it:
//
//	"GET / HTTP/1.1\r\n" + "Host: localhost\r\n" + "\r\n"
//
// TCP delivers bytes in order, but in pieces of any size. from.Piece waits for the
// next one, which is a line or a part of a line. A line ends in CR LF, or in a bare
// LF. With an error of from.Piece, return it and what has come so far.
//
//lab:todo 1.3 put pieces together until the empty line has come
func readHead(from *strict.HeadReader) (string, error) {
	var head strings.Builder
	head.Grow(512)
	for {
		piece, err := from.Piece()
		head.WriteString(piece)
		if err != nil {
			return head.String(), err
		}
		if soFar := head.String(); strings.HasSuffix(soFar, "\n\r\n") || strings.HasSuffix(soFar, "\n\n") {
			return soFar, nil
		}
	}
}

// cutLine splits off the first line of a text, without its line end.
func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// parseRequestLine takes the first line of a head apart (RFC 9112 section 3):
//
//	"GET /HelloWorld.html HTTP/1.1" → Method "GET", Target "/HelloWorld.html", Minor 1
//
// One space is between the three parts. Minor is 0 for HTTP/1.0, and 1 for every
// other version. Nothing is refused here: what is missing is empty.
//
//lab:todo 1.4 take the request line apart: method, target, version
func (req *Request) parseRequestLine(line string) {
	var version string
	req.Method, line, _ = strings.Cut(line, " ")
	req.Target, version, _ = strings.Cut(line, " ")
	req.Minor = 1
	if version == "HTTP/1.0" {
		req.Minor = 0
	}
}

// check has package strict look at a head that is complete.
func (req *Request) check() error {
	path, _ := strict.CutTarget(req.Target)
	authority, _ := strict.CutAbsolute(req.Target)
	return cmp.Or(
		strict.Host(Values(req.Fields, "Host"), req.Minor),
		strict.Framing(Values(req.Fields, "Content-Length"), List(req.Fields, "Transfer-Encoding"), req.Minor),
		strict.Target(req.Method, req.Target, authority),
		strict.Escapes(path))
}

// A Field is one field of a header section (RFC 9110 section 5).
type Field struct {
	Name  string // in any letter case
	Value string // without the spaces and tabs around it
}

// Is reports whether the field has this name, in any letter case.
func (f Field) Is(name string) bool { return strings.EqualFold(f.Name, name) }

// ParseField reads one field line (RFC 9112 section 5) of a request or a response:
//
//	"Host: localhost:6789" → Field{"Host", "localhost:6789"}
//
// The error says what is wrong with the line: a name is a token, with a colon
// right behind it.
func ParseField(line string) (Field, error) {
	name, value, ok := strings.Cut(line, ":")
	switch {
	case strings.TrimLeft(line, " \t") != line:
		return Field{}, fmt.Errorf("the field line %.60q begins with whitespace", line)
	case !ok:
		return Field{}, fmt.Errorf("the field line %.60q has no colon", line)
	case strings.TrimRight(name, " \t") != name:
		return Field{}, fmt.Errorf("the field line %.60q has whitespace before its colon", line)
	case !strict.IsToken(name):
		return Field{}, fmt.Errorf("the field name %.60q is not a token", name)
	}
	return Field{name, strings.Trim(value, " \t")}, nil
}

// Values lists the values of all fields with this name.
func Values(fields []Field, name string) (values []string) {
	for _, f := range fields {
		if f.Is(name) {
			values = append(values, f.Value)
		}
	}
	return values
}
