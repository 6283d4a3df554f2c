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
)

// logTricks are texts that a log must not show unchanged: each single octet, and what
// testdata/log-tricks.txt lists.
func logTricks() (all []string) {
	for b := range 256 {
		all = append(all, string([]byte{byte(b)}))
	}
	for name, words := range pools("log-tricks") {
		if name != "runes" {
			all = append(all, words...)
			continue
		}
		for _, word := range words {
			var first, last rune
			_, err := fmt.Sscanf(word, "%x-%x", &first, &last)
			sure(err)
			for c := first; c <= last; c++ {
				all = append(all, string(c))
			}
		}
	}
	return all
}

// TestLogInjection: the log shows what a client sends so that a terminal does not obey
// it, and so that it cannot look like a line of the log.
func TestLogInjection(t *testing.T) {
	root := site(t)
	root = filepath.Join(root, "\x1b[2J\u202e\u009b") // a folder that plays tricks, too
	must(t, os.Mkdir(root, 0o755))
	var requests []string
	places := list("log-places")
	for _, trick := range logTricks() {
		for _, place := range places {
			requests = append(requests, strings.Replace(place.Text(place.Keys[0].Value), "{trick}", trick, 1))
		}
	}
	both(t, func(t *testing.T, stage int) {
		for _, test := range []struct {
			flags string
			line  *regexp.Regexp // nil: nothing is logged
		}{{"-log text", textLine}, {"-log json -v", jsonLine}, {"-log off -v", nil}} {
			t.Run(test.flags, func(t *testing.T) {
				s := start(t, stage, root, test.flags+" -linger 5s")
				for _, request := range requests {
					got, o := client{send: []byte(request), fin: true, within: 2 * patience}.get(s.Addr)
					if o.err != nil || got != "" && !strings.HasPrefix(got, "HTTP/1.1 ") {
						t.Fatalf("%q: %.300q, %v", request, got, o.err)
					}
				}
				must(t, s.Stop()) // the log is complete then
				t.Logf("%d tricks in %d places", len(requests)/len(places), len(places))
				checkSafe(t, s.log.String())
				checkLines(t, s.log.String(), len(requests), strings.HasSuffix(test.flags, "-v"), test.line)
			})
		}
	})
}

// textLine is a line of -log text: keys, each with a word or a quoted text. jsonLine is one
// of -log json: keys, each with a number or a quoted text.
var (
	textLine = regexp.MustCompile(`^time=[-0-9T:.+Z]+ level=(?:INFO|WARN) msg=(accepted|request|answered|closed) conn=(\d+)(?: [a-z]+=(?:"(?:[^"\\]|\\.)*"|[^ "=]+))+\n$`)
	jsonLine = regexp.MustCompile(`^\{"time":"[-0-9T:.+Z]+","level":"(?:INFO|WARN)","msg":"(accepted|request|answered|closed)","conn":(\d+)(?:,"[a-z]+":(?:"(?:[^"\\]|\\.)*"|\d+))+\}\n$`)
)

// checkLines looks at each line of the log of n connections. quoted says that there are lines
// of -v, too.
func checkLines(t *testing.T, log string, n int, quoted bool, record *regexp.Regexp) {
	t.Helper()
	events, heads, seen := map[string]int{}, 0, map[string]bool{}
	for line := range strings.Lines(log) {
		if quoted && line[0] == '"' {
			if _, err := strconv.Unquote(strings.TrimSuffix(line, "\n")); err != nil {
				t.Fatalf("the line %q is no quoted text: %v", line, err)
			}
			heads++
			continue
		}
		if record == nil || !record.MatchString(line) { // a line that does not end is none
			t.Fatalf("what is the line %q?", line)
		}
		m := record.FindStringSubmatch(line)
		conn, err := strconv.Atoi(m[2])
		if err != nil || conn < 1 || conn > n || seen[m[1]+m[2]] || line[0] == '{' && !json.Valid([]byte(line)) {
			t.Fatalf("the line %q, once more: %v", line, seen[m[1]+m[2]])
		}
		seen[m[1]+m[2]] = true
		events[m[1]]++
	}
	if record != nil && (events["accepted"] != n || events["closed"] != n || events["request"] != events["answered"] || len(events) != 4) {
		t.Errorf("of %d connections there are %v", n, events)
	}
	if quoted && heads < n/2 {
		t.Errorf("only %d lines of heads", heads)
	}
}
