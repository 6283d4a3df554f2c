package exchange

import (
	"bufio"
	"bytes"
	"io"
	"net/http/httputil"
	"regexp"
	"strconv"
	"strings"
)

// A Message is a response as a check reads it: leniently, because a check looks for
// what is wrong with it. ReadMessage fills it.
type Message struct {
	Status  int // 0 when there is no status line
	Phrase  string
	Version string
	Fields  [][2]string // name and value, as they came
	Odd     string      // the first line among the fields that is none
	BareLF  bool        // a line of the head ends with LF alone
	Ended   bool        // the empty line was there
	Head    []byte      // the bytes of all this
	Body    []byte      // all that came behind the head
}

var fieldName = regexp.MustCompile("^[!#-'*+.^_`|~0-9A-Za-z-]+$") // a token

// ReadMessage reads a response, whatever it is.
func ReadMessage(b []byte) (m Message) {
	all := b
	for first := true; ; first = false {
		m.Head = all[:len(all)-len(b)]
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 { // no line end any more: the head was not over
			if m.Odd == "" && len(b) > 0 {
				m.Odd = string(b[:min(len(b), 40)])
			}
			return m
		}
		line, hasCR := strings.CutSuffix(string(b[:end-1]), "\r")
		b = b[end:]
		name, value, isField := strings.Cut(line, ":")
		isField = isField && fieldName.MatchString(name)
		if m.Odd == "" && (first || isField || line == "") { // else it is the body's already
			m.BareLF = m.BareLF || !hasCR
		}
		switch {
		case first:
			var rest, code string
			m.Version, rest, _ = strings.Cut(line, " ")
			code, m.Phrase, _ = strings.Cut(rest, " ")
			m.Status, _ = strconv.Atoi(code) // 0 if it is no number
		case line == "":
			m.Ended, m.Head, m.Body = true, all[:len(all)-len(b)], b
			return m
		case isField:
			m.Fields = append(m.Fields, [2]string{name, strings.TrimSpace(value)})
		case m.Odd == "":
			m.Odd = line[:min(len(line), 40)]
		}
	}
}

// Field returns the value of a field, and whether it is there.
func (m Message) Field(name string) (value string, ok bool) {
	for _, f := range m.Fields {
		if strings.EqualFold(f[0], name) {
			return f[1], true
		}
	}
	return "", false
}

// Names lists the names of the fields, as they came.
func (m Message) Names() (names []string) {
	for _, f := range m.Fields {
		names = append(names, f[0])
	}
	return names
}

// Content is the body of the answer to a method, without its framing, and what follows
// it. whole is false where the end has not come, or is not known before the connection
// ends: then all that came is the content. (RFC 9112 section 6.3)
func (m Message) Content(method string) (content, rest []byte, whole bool) {
	coding, chunked := m.Field("Transfer-Encoding")
	length, hasLength := m.Field("Content-Length")
	switch {
	case !m.Ended:
		return nil, nil, false
	case method == "HEAD", m.Status < 200, m.Status == 204, m.Status == 304, method == "CONNECT" && m.Status < 300:
		return nil, m.Body, true
	case chunked && strings.EqualFold(strings.TrimSpace(coding[strings.LastIndexByte(coding, ',')+1:]), "chunked"):
		return unchunk(m.Body)
	case chunked || !hasLength:
		return m.Body, nil, false
	}
	n, err := strconv.ParseUint(length, 10, 63)
	if err != nil || n > uint64(len(m.Body)) {
		return m.Body, nil, false
	}
	return m.Body[:n], m.Body[n:], true
}

// unchunk takes the chunked coding off (RFC 9112 section 7.1), and passes over the trailer
// section, to its empty line.
func unchunk(b []byte) (content, rest []byte, whole bool) {
	in := bufio.NewReader(bytes.NewReader(b))
	content, err := io.ReadAll(httputil.NewChunkedReader(in))
	for err == nil {
		var line []byte
		if line, err = in.ReadBytes('\n'); err == nil && len(bytes.TrimRight(line, "\r\n")) == 0 {
			rest, _ = io.ReadAll(in) // it is in memory
			return content, rest, true
		}
	}
	return content, nil, false
}
