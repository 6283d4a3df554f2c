package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRequestRead(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       Request
	}{
		{"plain", "GET /a?b HTTP/1.1\r\n" + "Host: x\r\n" + "\r\n",
			Request{Method: []byte("GET"), Target: []byte("/a?b"), Minor: 1, Fields: []Field{{[]byte("Host"), []byte("x")}}}},
		{"bare LF", "GET / HTTP/1.0\n" + "A:b\n" + "\n",
			Request{Method: []byte("GET"), Target: []byte("/"), Fields: []Field{{[]byte("A"), []byte("b")}}}},
		{"empty lines first", "\r\n\n\r\n" + "GET / HTTP/1.1\r\n" + "Host: x\r\n" + "\r\n",
			Request{Method: []byte("GET"), Target: []byte("/"), Minor: 1, Fields: []Field{{[]byte("Host"), []byte("x")}}}},
		{"whitespace around a value", "GET / HTTP/1.9\r\n" + "Host: \t x \t \r\n" + "\r\n",
			Request{Method: []byte("GET"), Target: []byte("/"), Minor: 1, Fields: []Field{{[]byte("Host"), []byte("x")}}}},
		{"octets, not runes", "GET / HTTP/1.0\r\n" + "A: \xff\xe5\r\n" + "\r\n",
			Request{Method: []byte("GET"), Target: []byte("/"), Fields: []Field{{[]byte("A"), []byte("\xff\xe5")}}}},
		{"a body", "POST / HTTP/1.0\r\n" + "Content-Length: 7\r\n" + "\r\n",
			Request{Method: []byte("POST"), Target: []byte("/"), HasBody: true, Fields: []Field{{[]byte("Content-Length"), []byte("7")}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const next = "what comes next"
			for way, in := range map[string]io.Reader{
				"whole":     strings.NewReader(c.head + next),
				"bytewise":  iotest.OneByteReader(strings.NewReader(c.head + next)),
				"halfwise":  iotest.HalfReader(strings.NewReader(c.head + next)),
				"data+EOF":  iotest.DataErrReader(strings.NewReader(c.head + next)),
				"then fail": io.MultiReader(strings.NewReader(c.head+next), iotest.ErrReader(errors.New("no more"))),
			} {
				r := bufio.NewReader(in)
				var got Request
				if err := got.Read(r); err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if string(got.Method) != string(c.want.Method) || string(got.Target) != string(c.want.Target) ||
					got.Minor != c.want.Minor || got.HasBody != c.want.HasBody || len(got.Fields) != len(c.want.Fields) {
					t.Errorf("%s: got %+v\nwant %+v", way, got, c.want)
				}
				for i, f := range got.Fields {
					if want := c.want.Fields[i]; !bytes.Equal(f.Name, want.Name) || !bytes.Equal(f.Value, want.Value) {
						t.Errorf("%s: field %d is %q, want %q", way, i, f, want)
					}
				}
				if rest, _ := io.ReadAll(r); string(rest) != next && way != "then fail" {
					t.Errorf("%s: left %q, want %q", way, rest, next)
				}
			}
		})
	}
}

// deadlineReader is a connection on which nothing more comes.
type deadlineReader struct{}

func (deadlineReader) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestReadHeadErrors(t *testing.T) {
	longLine := "GET /" + strings.Repeat("a", maxRequestLine)
	for _, c := range []struct {
		name   string
		in     io.Reader
		status int   // of the StatusError
		err    error // or another error
	}{
		{"nothing, then the end", strings.NewReader(""), 0, io.EOF},
		{"half, then the end", strings.NewReader("GET / HTT"), 0, io.EOF},
		{"nothing in time", deadlineReader{}, 0, os.ErrDeadlineExceeded},
		{"half in time", io.MultiReader(strings.NewReader("GET / HTT"), deadlineReader{}), 408, nil},
		{"an empty line in time", io.MultiReader(strings.NewReader("\r\n"), deadlineReader{}), 408, nil},
		{"a line too long, with no end in sight", io.MultiReader(strings.NewReader(longLine), deadlineReader{}), 414, nil},
		{"a line too long after an empty line", strings.NewReader("\n" + longLine + "\r\n\r\n"), 414, nil},
		{"a head too large, with no end in sight", io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\nA: "+strings.Repeat("a", maxHead)), deadlineReader{}), 431, nil},
		{"empty lines without end", strings.NewReader(strings.Repeat("\n", maxHead+1)), 431, nil},
		{"too large counts before a bad octet", strings.NewReader("GET /\x01 HTTP/1.1\r\n" + strings.Repeat("A: a\r\n", maxHead/6+1) + "\r\n"), 431, nil},
		{"a bad octet counts only in a head that is whole", io.MultiReader(strings.NewReader("GET /\x01 HTTP/1.1\r\n"), deadlineReader{}), 408, nil},
		{"a bare CR", strings.NewReader("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"), 400, nil},
		{"CR CR LF is no line end", strings.NewReader("GET / HTTP/1.1\r\n\r\r\n\r\n"), 400, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readHead(bufio.NewReader(c.in), nil)
			var status *StatusError
			if errors.As(err, &status) {
				if status.Status != c.status {
					t.Errorf("got %v, want status %d", err, c.status)
				}
			} else if c.status != 0 || !errors.Is(err, c.err) {
				t.Errorf("got %v, want status %d or %v", err, c.status, c.err)
			}
		})
	}
}

func TestLimitsAreExact(t *testing.T) {
	line := "GET /" + strings.Repeat("a", maxRequestLine-len("GET / HTTP/1.1")) + " HTTP/1.1"
	head := line + "\r\nHost: x\r\nA: "
	head += strings.Repeat("a", maxHead-len(head)-len("\r\n\r\n")) + "\r\n\r\n"
	if len(line) != 8192 || len(head) != 16384 {
		t.Fatalf("the line has %d bytes, the head %d", len(line), len(head))
	}
	for way, in := range map[string]io.Reader{"whole": strings.NewReader(head), "bytewise": iotest.OneByteReader(strings.NewReader(head))} {
		if got, err := readHead(bufio.NewReader(in), nil); err != nil || len(got) != maxHead {
			t.Errorf("%s: %d bytes, %v", way, len(got), err)
		}
	}
}

func TestValidAuthority(t *testing.T) {
	for _, c := range []struct {
		authority string
		valid     bool
	}{
		{"localhost", true}, {"localhost:6789", true}, {"localhost:", true}, {"127.0.0.1:80", true},
		{"[::1]", true}, {"[::1]:80", true}, {"[2001:db8::1]:6789", true}, {"a_b.c-d~e!$&'()*+,;=", true}, {"a%20b", true},
		{"", false}, {":80", false}, {"a:b", false}, {"a:80:80", false}, {"::1", false}, {"[]", false}, {"[::1", false},
		{"[127.0.0.1]", false}, {"[::1%25x]", false}, {"[::1%a/b]", false}, {"[::1]x", false}, {"a b", false}, {"a/b", false}, {"u@h", false}, {"a%2", false}, {"a%zz", false},
		{"\xff", false}, {"太", false}, {"{", false}, {`a"b`, false}, {"a#b", false}, {"a?b", false},
	} {
		if got := validAuthority([]byte(c.authority)); got != c.valid {
			t.Errorf("%q: %v", c.authority, got)
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
		var req Request
		if req.Read(bufio.NewReader(bytes.NewReader(in))) != nil {
			return
		}
		if len(req.Method) == 0 || len(req.Target) == 0 {
			t.Fatalf("took a request without method or target: %q", in)
		}
		// net/http does not skip empty lines, and joins folded lines.
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(in, "\r\n"))))
		if err != nil {
			var protocol textproto.ProtocolError
			if errors.As(err, &protocol) || strings.Contains(err.Error(), "malformed HTTP") {
				t.Fatalf("took %q, which net/http refuses: %v", in, err)
			}
			return // such as a target that is no URL: judged later here
		}
		if theirs.Method != string(req.Method) || theirs.RequestURI != string(req.Target) || theirs.ProtoMinor < req.Minor {
			t.Fatalf("%q: %s %s, net/http reads %s %s", in, req.Method, req.Target, theirs.Method, theirs.RequestURI)
		}
		if body := theirs.ContentLength != 0; body != req.HasBody {
			t.Fatalf("%q: a body follows: %v, net/http has length %d", in, req.HasBody, theirs.ContentLength)
		}
		seen := map[string]int{}
		for _, field := range req.Fields {
			name := textproto.CanonicalMIMEHeaderKey(string(field.Name))
			if name == "Host" || name == "Transfer-Encoding" || name == "Trailer" || name == "Connection" || name == "Pragma" || name == "Cache-Control" {
				continue // net/http moves these elsewhere, or changes them
			}
			values := theirs.Header[name]
			if seen[name] >= len(values) || values[seen[name]] != string(field.Value) {
				t.Fatalf("%q: field %q, net/http has %q", in, field, values)
			}
			seen[name]++
		}
	})
}
