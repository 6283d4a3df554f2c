package golden

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/term"
	"weblab.example/scripts/internal/verdict"
)

// FuzzCase makes a case of any bytes: every way of sending it sends its request, and any
// other answer than its own is a failure with a diagnosis that a person can read.
func FuzzCase(f *testing.F) {
	const (
		request  = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		response = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
	)
	for _, other := range []string{
		response + "hi",
		"HTTP/1.1 200 \x1b[2J\r\n\r\n",
		"HTTP/1.1 200 O\tK\x85\u202e\xff" + strings.Repeat("太", 60) + "\r\n\r\n",
		"HTTP/1.1 200 %!d(string=OK)\r\n\r\n",
		"HTTP/1.1 404\x00\r\n\r\n",
		"HTTP/\x07 200 OK\r\n\r\n",
		strings.Replace(response, "close", "\x9b2J", 1) + "hi",
		strings.Replace(response, "Connection", "Conection", 1) + "hi",
		strings.Replace(response, "Connection:", "Connection\x00\t:", 1) + "hi",
		strings.Replace(response, "\r\n\r\n", "\r\nX: \x08\r\n\r\n", 1) + "hi",
		strings.Replace(response, ": 2", ": 26", 1) + "hi",
		response + response + "hi",
		response + "\xef\xbf\xbd",
	} {
		f.Add([]byte(request), []byte(response), []byte("hi"), []byte(other))
	}
	f.Add([]byte("\n\n"), []byte(""), []byte(""), []byte("x"))
	f.Add([]byte("HEAD /a.bin HTTP/1.1\n\n"), []byte(response+response), []byte(""), []byte(response+"hi"))
	f.Add([]byte("G"), []byte("HTTP/1.1 200 OK\n\n"), []byte("HTTP/1.1 \x00"), []byte(""))
	f.Fuzz(func(t *testing.T, request, response, body, other []byte) {
		want := append(slices.Clone(response), body...)
		for _, cut := range cuts(request) {
			if sent := bytes.Join(cut.pieces, nil); !bytes.Equal(sent, request) {
				t.Errorf("%s: sends %q", cut.name, sent)
			}
		}
		for _, end := range []string{exchange.EndFIN, exchange.EndReset, exchange.EndOpen} {
			err := verdict.Want(exchange.Heard{Bytes: other, End: end, Sent: request}, want)
			if right := bytes.Equal(other, want) && end == exchange.EndFIN; right != (err == nil) {
				t.Errorf("%s: the right answer: %v, but %v", end, right, err)
			}
			if err != nil {
				checkFailure(t, err, bytes.Contains(other, []byte("%!")) || bytes.Contains(want, []byte("%!")))
			}
		}
	})
}

// checkFailure checks that a failure has a diagnosis, and text for a terminal. A
// verb of the text that got no argument, or a wrong one, is printed with %!, which
// the answers may have brought themselves.
func checkFailure(t *testing.T, err error, brought bool) {
	t.Helper()
	var failure *verdict.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("%v is no failure of a check", err)
	}
	if _, ok := verdict.Diagnoses[failure.Diagnosis]; !ok {
		t.Errorf("%q is not in the table", failure.Diagnosis)
	}
	r := Result{Check: Check{Stage: 1, Step: "1.6", Name: "fuzzed", Want: "what it should"}}
	r.fail(failure, Program{})
	checkText(t, r, brought)
}

// checkText checks that a report reads well.
func checkText(t *testing.T, r Result, brought bool) {
	t.Helper()
	if strings.Contains(r.Why, "%!") && !brought || r.Why == "" || r.Seen == "" || r.Again == "" {
		t.Errorf("seen %q, why %q, again %q", r.Seen, r.Why, r.Again)
	}
	for line := range strings.Lines(r.String()) {
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("a control character in %q", line)
		}
		if term.Columns(line) > term.Width && !strings.HasPrefix(line, "  again: ") {
			t.Errorf("%d columns: %s", term.Columns(line), line)
		}
	}
}
