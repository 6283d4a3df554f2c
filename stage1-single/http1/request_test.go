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
		text := c.before + c.head + next
		for way, in := range map[string]io.Reader{
			"whole": strings.NewReader(text), "bytewise": iotest.OneByteReader(strings.NewReader(text)), "halfwise": iotest.HalfReader(strings.NewReader(text)),
			"data+EOF": iotest.DataErrReader(strings.NewReader(text)), "then fail": io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("no more"))),
		} {
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

// TestRefused: what is wrong is refused as early as it can be seen. After each of
// these inputs nothing more comes in time.
func TestRefused(t *testing.T) {
	const maxRequestLine, maxHead, host = 8192, 16384, "GET / HTTP/1.1\r\nHost: x\r\n"
	line := "GET /" + strings.Repeat("a", maxRequestLine-len("GET / HTTP/1.1")) + " HTTP/1.1"
	head := line + "\r\nHost: x\r\nA: "
	head += strings.Repeat("a", maxHead-len(head)-len("\r\n\r\n")) + "\r\n\r\n"
	for text, want := range map[string]int{
		head: 200, "\n" + head: 431, "GET /a" + line[5:] + "\r\n\r\n": 414, line + "a": 414, "\n" + line + "a": 414,
		"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", maxHead): 431, strings.Repeat("\n", maxHead+1): 431,
		"": 0, "GET / HTT": 408, "\r\n": 408, "\r": 408, host: 408, // half of it, then nothing
		"GET /\r\n": 400, "GET /\x01 HTTP/1.1\r\n": 400, "GET / HTTP/2.0\r\n": 505, "\rGET / HTTP/1.1\r\n": 400, // the request line is enough
		"GET / HTTP/1.1\r\n\r\r\n\r\n": 400, host + "A: b\rc\r\n\r\n": 400, host + "A: b\r\n c\r\n\r\n": 400, host + "A\r\n\r\n": 400,
		"GET / HTTP/1.1\r\n\r\n": 400, host + "hOST: x\r\n\r\n": 400, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n": 400,
		host + "Content-Length: 1\r\ncontent-length: 1\r\n\r\n": 400, host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
		host + "Transfer-Encoding: gzip\r\ntransfer-encoding: Chunked\r\n\r\n": 501, host + "Transfer-Encoding: chun\u212aed\r\n\r\n": 400, host + "Transfer-Encoding:\r\n\r\n": 400,
		"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n": 400, "GET a HTTP/1.0\r\n\r\n": 400, "GET http://a:b/ HTTP/1.0\r\n\r\n": 400, "GET /%00 HTTP/1.0\r\n\r\n": 400, "GET http://h%20h/?%00 HTTP/1.0\r\n\r\n": 200,
		"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n": 400, "GET a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n": 501, // which counts first
	} {
		for way, in := range map[string]io.Reader{"whole": strings.NewReader(text), "bytewise": iotest.OneByteReader(strings.NewReader(text))} {
			req, err := ReadRequest(bufio.NewReader(io.MultiReader(in, iotest.ErrReader(os.ErrDeadlineExceeded))))
			got := 200
			if refused, ok := err.(*strict.Error); ok {
				got = refused.Status
			} else if err == os.ErrDeadlineExceeded {
				got = 0
			} else if err != nil {
				got = -1
			}
			if got != want || req.Size > len(text) || !strings.Contains(text, req.Head) {
				t.Errorf("%.60q, %s: %v, want %d; read %d of %d bytes, the head %.60q", text, way, err, want, req.Size, len(text), req.Head)
			}
		}
	}
	if _, err := ReadRequest(bufio.NewReader(strings.NewReader("GET / HTT"))); err != io.EOF {
		t.Errorf("the client leaves in the middle: %v", err)
	}
}

func TestParseField(t *testing.T) {
	for line, want := range map[string]Field{
		"Host: localhost:6789": {"Host", "localhost:6789"}, "a:": {"a", ""}, "A:\t b \t c\t ": {"A", "b \t c"}, "A:\u00a0b\v": {"A", "\u00a0b\v"}, "!#$%&'*+-.^_`|~09:\x80": {"!#$%&'*+-.^_`|~09", "\x80"},
	} {
		if got, err := ParseField(line); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		" A: b": `the field line " A: b" begins with whitespace`, "\tA": `the field line "\tA" begins with whitespace`, "A": `the field line "A" has no colon`, "": `the field line "" has no colon`,
		"A : b": `the field line "A : b" has whitespace before its colon`, "A\t: b": `the field line "A\t: b" has whitespace before its colon`, strings.Repeat("a", 100): `the field line "` + strings.Repeat("a", 60) + `" has no colon`,
		": b": `the field name "" is not a token`, "A B: c": `the field name "A B" is not a token`, "(A): c": `the field name "(A)" is not a token`, "\xe9: c": `the field name "\xe9" is not a token`,
	} {
		if got, err := ParseField(line); err == nil || err.Error() != want || got != (Field{}) {
			t.Errorf("%q: %q, %v; want %s", line, got, err, want)
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
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a%20b?c=d HTTP/1.0\nA: b\nA:c\n\n", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET http://h/p HTTP/1.1\r\nHost: x\r\nConnection: close, TE\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
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

// TestTogether: requests that come together stay apart, whatever their line ends.
func TestTogether(t *testing.T) {
	const lf, crlf = "GET /lf HTTP/1.1\nHost: x\n\n", "GET /crlf HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, sent := range []string{lf + crlf + lf, crlf + lf + crlf, lf + lf, crlf + crlf} {
		in := bufio.NewReader(strings.NewReader(sent))
		got := ""
		for req, err := ReadRequest(in); err == nil; req, err = ReadRequest(in) {
			got += req.Head
		}
		if got != sent {
			t.Errorf("%q is read as %q", sent, got)
		}
		first, _ := ReadRequest(bufio.NewReader(strings.NewReader(sent)))
		if n := len(first.Head); n != len(lf) && n != len(crlf) {
			t.Errorf("of %q the first head is %q", sent, first.Head)
		}
	}
}
