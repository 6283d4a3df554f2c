package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"weblab.example/stage1-single/strict"
)

// inPieces delivers a text in pieces of different sizes, as TCP may.
func inPieces(text string) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":     strings.NewReader(text),
		"bytewise":  iotest.OneByteReader(strings.NewReader(text)),
		"halfwise":  iotest.HalfReader(strings.NewReader(text)),
		"data+EOF":  iotest.DataErrReader(strings.NewReader(text)),
		"then fail": io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("no more"))),
	}
}

func TestReadRequest(t *testing.T) {
	for _, c := range []struct {
		name, before, head string
		want               Request
	}{
		{"plain", "", "GET /a?b HTTP/1.1\r\n" + "Host: x\r\n" + "\r\n", Request{Method: "GET", Target: "/a?b", Minor: 1, Fields: []Field{{"Host", "x"}}}},
		{"bare LF", "", "GET / HTTP/1.0\n" + "A:b\n" + "\n", Request{Method: "GET", Target: "/", Fields: []Field{{"A", "b"}}}},
		{"CR LF, then LF", "", "GET / HTTP/1.0\r\n" + "A:b\r\n" + "\n", Request{Method: "GET", Target: "/", Fields: []Field{{"A", "b"}}}},
		{"LF, then CR LF", "", "GET / HTTP/1.0\n" + "\r\n", Request{Method: "GET", Target: "/", Fields: []Field{}}},
		{"empty lines first", "\r\n\n\r\n", "GET / HTTP/1.1\r\n" + "Host: x\r\n" + "\r\n", Request{Method: "GET", Target: "/", Minor: 1, Fields: []Field{{"Host", "x"}}}},
		{"whitespace around a value", "", "GET / HTTP/1.9\r\n" + "Host: \t x \t \r\n" + "A:\r\n" + "\r\n", Request{Method: "GET", Target: "/", Minor: 1, Fields: []Field{{"Host", "x"}, {"A", ""}}}},
		{"octets, not runes", "", "get / HTTP/1.0\r\n" + "A: \xff\xe5\r\n" + "\r\n", Request{Method: "get", Target: "/", Fields: []Field{{"A", "\xff\xe5"}}}},
	} {
		c.want.Head, c.want.Size = c.head, len(c.before)+len(c.head)
		const next = "GET /next HTTP/1.1\r\n"
		for way, in := range inPieces(c.before + c.head + next) {
			r := bufio.NewReader(in)
			got, err := ReadRequest(r)
			if err != nil || !reflect.DeepEqual(got, &c.want) {
				t.Errorf("%s, %s: %v\ngot  %+v\nwant %+v", c.name, way, err, got, &c.want)
			}
			if rest, _ := io.ReadAll(r); string(rest) != next && way != "then fail" {
				t.Errorf("%s, %s: left %q, want %q", c.name, way, rest, next)
			}
		}
	}
}

// late is a connection on which nothing more comes in time.
var late = iotest.ErrReader(os.ErrDeadlineExceeded)

// TestRefused: what is wrong is refused as early as it can be seen.
func TestRefused(t *testing.T) {
	const maxRequestLine, maxHead = 8192, 16384
	line := "GET /" + strings.Repeat("a", maxRequestLine-len("GET / HTTP/1.1")) + " HTTP/1.1"
	head := line + "\r\nHost: x\r\nA: "
	head += strings.Repeat("a", maxHead-len(head)-len("\r\n\r\n")) + "\r\n\r\n"
	for _, c := range []struct {
		name, in string // and then nothing more
		status   int    // 0: there is no answer, or nothing to refuse
		err      error  // if there is no answer
	}{
		{"the longest line in the largest head", head, 0, nil},
		{"a line one longer", "GET /a" + line[5:] + "\r\n\r\n", 414, nil},
		{"a head one larger", "\n" + head, 431, nil},
		{"a line too long, with no end in sight", line + "a", 414, nil},
		{"a line too long after an empty line", "\n" + line + "a", 414, nil},
		{"a head too large, with no end in sight", "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", maxHead), 431, nil},
		{"empty lines without end", strings.Repeat("\n", maxHead+1), 431, nil},
		{"nothing in time", "", 0, os.ErrDeadlineExceeded},
		{"half in time", "GET / HTT", 408, nil},
		{"an empty line in time", "\r\n", 408, nil},
		{"half an empty line in time", "\r", 408, nil},
		{"a head without its end", "GET / HTTP/1.1\r\nHost: x\r\n", 408, nil},
		{"a request line that is wrong when it ends", "GET /\r\n", 400, nil},
		{"a wrong octet in it", "GET /\x01 HTTP/1.1\r\n", 400, nil},
		{"a version of the future", "GET / HTTP/2.0\r\n", 505, nil},
		{"CR CR LF is no line end", "GET / HTTP/1.1\r\n\r\r\n\r\n", 400, nil},
		{"CR, and no LF, first", "\rGET / HTTP/1.1\r\n", 400, nil},
		{"a bare CR", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400, nil},
		{"a folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, nil},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, nil},
		{"two Hosts", "GET / HTTP/1.0\r\nHost: x\r\nhost: x\r\n\r\n", 400, nil},
		{"two lengths", "GET / HTTP/1.0\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n", 400, nil},
		{"both", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, nil},
		{"a coding", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\ntransfer-encoding: Chunked\r\n\r\n", 501, nil},
		{"a Kelvin sign is no k", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chun\u212aed\r\n\r\n", 400, nil},
		{"an empty coding", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", 400, nil},
		{"a target", "GET a HTTP/1.0\r\n\r\n", 400, nil},
		{"an absolute target", "GET http://a:b/ HTTP/1.0\r\n\r\n", 400, nil},
		{"an escape", "GET /%00 HTTP/1.0\r\n\r\n", 400, nil},
		{"escapes in an authority and in a query", "GET http://h%20h/?%00 HTTP/1.0\r\n\r\n", 0, nil},
		{"Host counts before a coding", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, nil},
		{"a coding counts before a target", "GET a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, nil},
	} {
		for way, in := range map[string]io.Reader{"whole": strings.NewReader(c.in), "bytewise": iotest.OneByteReader(strings.NewReader(c.in))} {
			req, err := ReadRequest(bufio.NewReader(io.MultiReader(in, late)))
			refused, _ := err.(*strict.Error)
			if refused != nil && refused.Status != c.status || refused == nil && (c.status != 0 || err != c.err) {
				t.Errorf("%s, %s: %v, want %d or %v", c.name, way, err, c.status, c.err)
			}
			if req.Size > len(c.in) || !strings.Contains(c.in, req.Head) {
				t.Errorf("%s, %s: read %d of %d bytes, the head %q", c.name, way, req.Size, len(c.in), req.Head)
			}
		}
	}
	if _, err := ReadRequest(bufio.NewReader(strings.NewReader("GET / HTT"))); err != io.EOF {
		t.Errorf("the client leaves in the middle: %v", err)
	}
}

func TestParseField(t *testing.T) {
	long := strings.Repeat("a", 100)
	for _, c := range []struct{ line, name, value, wrong string }{
		{"Host: localhost:6789", "Host", "localhost:6789", ""},
		{"a:", "a", "", ""},
		{"A:\t b \t c\t ", "A", "b \t c", ""},
		{"!#$%&'*+-.^_`|~09:\x80", "!#$%&'*+-.^_`|~09", "\x80", ""},
		{" A: b", "", "", `the field line " A: b" begins with whitespace`},
		{"\tA: b", "", "", `the field line "\tA: b" begins with whitespace`},
		{"A", "", "", `the field line "A" has no colon`},
		{"A : b", "", "", `the field line "A : b" has whitespace before its colon`},
		{"A\t: b", "", "", `the field line "A\t: b" has whitespace before its colon`},
		{": b", "", "", `the field name "" is not a token`},
		{"A B: c", "", "", `the field name "A B" is not a token`},
		{"(A): c", "", "", `the field name "(A)" is not a token`},
		{"\xe9: c", "", "", `the field name "\xe9" is not a token`},
		{long, "", "", `the field line "` + long[:60] + `" has no colon`},
	} {
		got, err := ParseField(c.line)
		if err == nil {
			err = errors.New("")
		}
		if got != (Field{c.name, c.value}) || err.Error() != c.wrong {
			t.Errorf("%q: %q, %q; want %q, %q", c.line, got, err, Field{c.name, c.value}, c.wrong)
		}
	}
	if f := (Field{Name: "hOST"}); !f.Is("Host") || f.Is("Hos") {
		t.Errorf("the name of %v in any letter case", f)
	}
}

func TestList(t *testing.T) {
	fields := []Field{{"A", "x"}, {"L", "Close, ,\tTE ,"}, {"l", "\u212aE"}, {"E", ""}}
	for name, want := range map[string][]string{"A": {"x"}, "l": {"close", "te", "\u212ae"}, "E": {}, "none": nil} {
		if got := List(fields, name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q; nil %v", name, got, want, got == nil)
		}
	}
}

// FuzzRequest compares with net/http, which reads the same heads: where both
// take one, they must agree on what it says, and what net/http calls
// malformed must not be taken here.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a%20b?c=d HTTP/1.0\nA: b\nA:c\n\n",
		"\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET http://h/p HTTP/1.1\r\nHost: x\r\nConnection: close, TE\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		req, err := ReadRequest(bufio.NewReader(bytes.NewReader(in)))
		if req.Size > len(in) || !bytes.Contains(in, []byte(req.Head)) {
			t.Fatalf("%q: read %d bytes, the head %q", in, req.Size, req.Head)
		}
		if err != nil {
			return
		}
		if req.Method == "" || req.Target == "" {
			t.Fatalf("took a request without method or target: %q", in)
		}
		// net/http does not skip empty lines, and joins folded lines.
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(in, "\r\n"))))
		if err != nil {
			var protocol textproto.ProtocolError
			if errors.As(err, &protocol) || strings.Contains(err.Error(), "malformed HTTP") {
				t.Fatalf("took %q, which net/http refuses: %v", in, err)
			}
			return // such as a target that is no URL for net/http
		}
		if theirs.Method != req.Method || theirs.RequestURI != req.Target || theirs.ProtoMinor < req.Minor {
			t.Fatalf("%q: %s %s, net/http reads %s %s", in, req.Method, req.Target, theirs.Method, theirs.RequestURI)
		}
		if body := theirs.ContentLength != 0; body != req.hasBody() {
			t.Fatalf("%q: a body follows: %v, net/http has length %d", in, req.hasBody(), theirs.ContentLength)
		}
		seen := map[string]int{}
		for _, field := range req.Fields {
			name := textproto.CanonicalMIMEHeaderKey(field.Name)
			if name == "Host" || name == "Transfer-Encoding" || name == "Trailer" || name == "Connection" || name == "Pragma" || name == "Cache-Control" {
				continue // net/http moves these elsewhere, or changes them
			}
			values := theirs.Header[name]
			if seen[name] >= len(values) || values[seen[name]] != field.Value {
				t.Fatalf("%q: field %q, net/http has %q", in, field, values)
			}
			seen[name]++
		}
	})
}
