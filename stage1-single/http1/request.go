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

// ReadRequest reads the next request, or as much of it as comes. If the error is a
// *strict.Error, the client gets an answer. With any other error nobody is there.
func ReadRequest(in *bufio.Reader) (*Request, error) {
	from := strict.NewHeadReader(in)
	head, err := readHead(from)
	req := &Request{Head: head, Size: from.Size, Fields: make([]Field, 0, 4)}
	if err != nil {
		req.Head = max(head, from.Line) // the longer one: readHead may leave out the last piece
		return req, err
	}
	line, rest := cutLine(head)
	req.parseRequestLine(line)
	for line, rest = cutLine(rest); line != ""; line, rest = cutLine(rest) {
		field, malformed := ParseField(line)
		if err := strict.FieldLine(line, malformed); err != nil {
			return req, err
		}
		if malformed == nil { // strict may let it pass
			req.Fields = append(req.Fields, field)
		}
	}
	return req, req.check()
}

// readHead reads a request's head, up to and including the empty line that ends it:
//
//	"GET / HTTP/1.1\r\n" + "Host: localhost\r\n" + "\r\n"
//
// TCP delivers bytes in order, but in pieces of any size. from.Piece() waits for the
// next piece, and returns it (a string) and an error. A line ends in CR LF, or in a
// bare LF. If there is an error, return all pieces so far, this one too, and the error.
//
//lab:todo 1.3 put pieces together until the empty line has come
func readHead(from *strict.HeadReader) (string, error) {
	var head strings.Builder
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
// other version. Nothing is refused here: a part that is missing is "".
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

// List returns the items of all fields with this name, in small letters: their
// values are lists with commas (RFC 9110 section 5.6.1). Without such a field it
// is nil.
//
//	Connection: Keep-Alive, TE → "keep-alive", "te"
func List(fields []Field, name string) (items []string) {
	for _, f := range fields {
		if !f.Is(name) {
			continue
		}
		items = append([]string{}, items...)
		for item := range strings.SplitSeq(f.Value, ",") {
			if item = strings.Trim(item, " \t"); item != "" {
				items = append(items, strings.Map(lower, item))
			}
		}
	}
	return items
}

// lower makes small letters of A to Z alone. In Unicode the Kelvin sign is a K, too: a
// word with it is not "chunked", and must not become that.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}
