//go:build kit && linux

package hostile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// logTricks are texts that a log must not show unchanged: each single octet, controls
// with two octets, invisible marks, marks that change the direction of writing, line
// ends outside of ASCII, and texts that look like a line of the log.
func logTricks() (all []string) {
	for b := range 256 {
		all = append(all, string([]byte{byte(b)}))
	}
	for _, r := range [][2]rune{{0x80, 0xa0}, {0xad, 0xad}, {0x61c, 0x61c}, {0x200b, 0x200f}, {0x2028, 0x202f}, {0x2060, 0x206f}, {0x3000, 0x3000}, {0xe000, 0xe000}, {0xfeff, 0xfeff}, {0xfff0, 0xffff},
		{0x1d173, 0x1d173}, {0xe0001, 0xe0001}, {0x10ffff, 0x10ffff}} {
		for c := r[0]; c <= r[1]; c++ {
			all = append(all, string(c))
		}
	}
	return append(all, "\xc2", "\xe2\x80", "\xed\xa0\x80", "\xc0\x8a", "\xf5\x80\x80\x80", "\x1b[2J\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\xc2\x9b2J", "%0a", "%1b[2J", `"`, `\`, `\n`, `" level=ERROR msg="`, `","msg":"closed"}`,
		"\ntime=2026-01-01T00:00:00Z level=INFO msg=closed conn=1 why=forged\n", "\n"+`{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"closed","conn":1,"why":"forged"}`+"\n", "\r\n\"forged\"\r\n", "\u2028time=x", strings.Repeat("\x1b", 9000), strings.Repeat("\u202e", 3000))
}

// places puts a trick into each part of a request.
var places = []struct {
	name string
	with func(trick string) string
}{
	{"in the method", func(x string) string { return "G" + x + "ET / HTTP/1.1\r\nHost: x\r\n\r\n" }},
	{"first", func(x string) string { return x + "GET / HTTP/1.1\r\nHost: x\r\n\r\n" }},
	{"in the target", func(x string) string { return "GET /" + x + "a HTTP/1.1\r\nHost: x\r\n\r\n" }},
	{"in the query", func(x string) string { return "GET /?" + x + " HTTP/1.1\r\nHost: x\r\n\r\n" }},
	{"in the version", func(x string) string { return "GET / HTTP/1." + x + "\r\nHost: x\r\n\r\n" }},
	{"in a field name", func(x string) string { return "GET / HTTP/1.1\r\nHost: x\r\nA" + x + "b: c\r\n\r\n" }},
	{"in a field value", func(x string) string { return "GET / HTTP/1.1\r\nHost: x\r\nA: b" + x + "c\r\n\r\n" }},
	{"in a value that is read", func(x string) string {
		return "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + x + ", chunked\r\n\r\n"
	}},
	{"in the Host", func(x string) string { return "GET / HTTP/1.1\r\nHost: " + x + "\r\n\r\n" }},
	{"in the length", func(x string) string { return "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: " + x + "\r\n\r\n" }},
	{"in a head that does not end", func(x string) string { return "GET /" + x }},
	{"behind a TLS hello", func(x string) string { return "\x16\x03\x01\x02\x00" + x }},
}

// TestLogInjection: the log shows what a client sends so that a terminal does not obey
// it, and so that it cannot look like a line of the log.
func TestLogInjection(t *testing.T) {
	root := site(t)
	root = filepath.Join(root, "\x1b[2J\u202e\u009b") // a folder that plays tricks, too
	must(t, os.Mkdir(root, 0o755))
	var requests []string
	for _, trick := range logTricks() {
		for _, place := range places {
			requests = append(requests, place.with(trick))
		}
	}
	both(t, func(t *testing.T, stage int) {
		for _, test := range []struct {
			flags  string
			record func(line string) (event string, conn int, err error) // nil: nothing is logged
		}{{"-log text", textRecord}, {"-log json -v", jsonRecord}, {"-log off -v", nil}} {
			t.Run(test.flags, func(t *testing.T) {
				s := start(t, stage, root, test.flags+" -linger 5s")
				for _, request := range requests {
					got, o := client{send: []byte(request), fin: true, within: 2 * patience}.get(s.Addr)
					if o.err != nil || got != "" && !strings.HasPrefix(got, "HTTP/1.1 ") {
						t.Fatalf("%q: %.300q, %v", request, got, o.err)
					}
				}
				must(t, s.Stop()) // the log is complete then
				checkLog(t, s.log.String(), len(requests), strings.HasSuffix(test.flags, "-v"), test.record)
			})
		}
	})
}

// checkLog looks at each line of the log of n connections. quoted says that there are lines
// of -v, too.
func checkLog(t *testing.T, log string, n int, quoted bool, record func(line string) (event string, conn int, err error)) {
	t.Helper()
	checkOctets(t, log)
	events, heads := map[string]int{}, 0
	seen := map[string]bool{}
	for line := range strings.Lines(log) {
		if quoted && line[0] == '"' {
			if _, err := strconv.Unquote(strings.TrimSuffix(line, "\n")); err != nil {
				t.Fatalf("the line %q is no quoted text: %v", line, err)
			}
			heads++
			continue
		}
		if record == nil {
			t.Fatalf("what is the line %q?", line)
		}
		event, conn, err := record(line)
		key := fmt.Sprint(event, conn)
		if err != nil || conn < 1 || conn > n || seen[key] {
			t.Fatalf("the line %q of connection %d, once more: %v: %v", line, conn, seen[key], err)
		}
		seen[key] = true
		events[event]++
	}
	if record != nil && (events["accepted"] != n || events["closed"] != n || events["request"] != events["answered"] || len(events) != 4) {
		t.Errorf("of %d connections there are %v", n, events)
	}
	if quoted && heads < n/2 {
		t.Errorf("only %d lines of heads", heads)
	}
	t.Logf("%d connections (%d tricks in %d places), %d bytes of log, events %v, lines of heads %d, wrong lines 0 unless said", n, n/len(places), len(places), len(log), events, heads)
}

// checkOctets looks for octets that a terminal would obey.
func checkOctets(t *testing.T, log string) {
	t.Helper()
	if !utf8.ValidString(log) {
		t.Errorf("the log is not UTF-8")
	}
	seen := map[rune]bool{}
	for i, r := range log {
		if r != '\n' && !unicode.IsPrint(r) && !seen[r] {
			seen[r] = true
			t.Errorf("the log has %U: ...%q", r, log[max(0, i-60):min(len(log), i+20)])
		}
	}
	if !strings.HasSuffix(log, "\n") {
		t.Errorf("the log ends in the middle of a line")
	}
}

// textLine is a line of -log text: keys, each with a word or a quoted text.
var textLine = regexp.MustCompile(`^time=[-0-9T:.+Z]+ level=(?:INFO|WARN) msg=(accepted|request|answered|closed) conn=(\d+)(?: [a-z]+=(?:"(?:[^"\\]|\\.)*"|[^ "=]+))+\n$`)

func textRecord(line string) (event string, conn int, err error) {
	m := textLine.FindStringSubmatch(line)
	if m == nil {
		return "", 0, fmt.Errorf("it is no record")
	}
	conn, err = strconv.Atoi(m[2])
	return m[1], conn, err
}

func jsonRecord(line string) (event string, conn int, err error) {
	var record struct {
		Time  time.Time
		Level string
		Msg   string
		Conn  int
	}
	if err := json.Unmarshal([]byte(line), &record); err != nil {
		return "", 0, err
	}
	if record.Time.IsZero() || record.Level != "INFO" && record.Level != "WARN" {
		return "", 0, fmt.Errorf("it is no record")
	}
	return record.Msg, record.Conn, nil
}
