package http1

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"unicode"
)

// TestLogIsSafe: what a client sends cannot play tricks on the terminal.
func TestLogIsSafe(t *testing.T) {
	for format, refused := range map[string]string{"text": "refused=", "json": `"refused":`} {
		var log bytes.Buffer
		s := newServer(t, func(s *Server) { s.Log = newLogger(&log, format) })
		for _, request := range []string{
			"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: \x07\r\n\r\n",
			"G\x1b[2J / HTTP/1.1\r\n\r\n",
			"GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /\xc2\x9b2J HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /\u202e HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \xc2\x9b, chunked\r\n\r\n",
		} {
			server, client := net.Pipe()
			go func() {
				io.WriteString(client, request)
				io.Copy(io.Discard, client)
			}()
			s.ServeConn(t.Context(), server)
		}
		for _, r := range log.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q is in the log:\n%q", format, r, log.String())
			}
		}
		if n := strings.Count(log.String(), refused); n != 7 {
			t.Errorf("%s: %d requests were refused:\n%s", format, n, log.String())
		}
	}
}

// TestEscaper: what a reader of the JSON gets is what it was, and one record is
// one write.
func TestEscaper(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `""`},
		{"a 太\t\n", `"a 太\t\n"`},
		{"\x1b\x7f\u0080\u009b\u009f", `"\u001b\u007f\u0080\u009b\u009f"`},
		{"\u00a0\u202e\u2066\u2028\ufeff", `"\u00a0\u202e\u2066\u2028\ufeff"`},
		{"\U0001f600\U000e0001", "\"\U0001f600" + `\udb40\udc01"`},
		{`\u007f`, `"\\u007f"`},
	} {
		out := &writes{}
		newLogger(out, "json").Info("m", "text", c.text)
		if len(out.all) != 1 {
			t.Fatalf("%q: %d writes", c.text, len(out.all))
		}
		record := string(out.all[0])
		if !strings.HasSuffix(record, `,"text":`+c.want+"}\n") {
			t.Errorf("%q: %q, want %q", c.text, record, c.want)
		}
		var back struct{ Text string }
		if err := json.Unmarshal([]byte(record), &back); err != nil || back.Text != c.text {
			t.Errorf("%q is read as %q, %v", c.text, back.Text, err)
		}
	}
	if n, err := (escaper{io.Discard}).Write([]byte("\u009b")); n != 2 || err != nil {
		t.Errorf("2 bytes: wrote %d, %v", n, err)
	}
	failed := errors.New("no room")
	if n, err := (escaper{failing{failed}}).Write([]byte("a")); n != 0 || err != failed {
		t.Errorf("wrote %d, %v", n, err)
	}
}

// failing is a place where nothing can be written.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
