package golden

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// verdict looks for the first thing that is wrong with a run.
func (c clientCase) verdict(r *clientRun) error {
	if StepOf(c.Step).Level == "" {
		return c.mild(r) // of the textbook
	}
	rules := []func(*clientRun) error{c.asked, c.printed, c.exited, c.said, c.inTime, c.wrote}
	if c.rule != "" {
		rules = append(rules, clientRules[c.rule])
	}
	for _, rule := range rules {
		if err := rule(r); err != nil && r.connections > max(1, c.server.hold) {
			return verdict.Because(err, "another-connection", r.connections)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// asked compares the requests.
func (c clientCase) asked(r *clientRun) error {
	for i, want := range c.requests {
		want, got := strings.ReplaceAll(want, "{addr}", r.addr), ""
		if i < len(r.requests) {
			got = r.requests[i]
		}
		if got != want {
			f := verdict.Request(want, got)
			if got == "" && i > 0 {
				f = &verdict.Failure{Diagnosis: "one-request-only", Args: []any{i, len(c.requests)}}
			}
			f.Seen = fmt.Sprintf("request %d: %s%s", i+1, verdict.Difference([]byte(want), []byte(got)), r.told())
			return f
		}
	}
	return nil
}

// wentOn is what a client says that could not read on, and had printed what it had.
var wentOn = regexp.MustCompile(" is not written yet|after the end of the response|ended early")

// printed compares standard output, of a client that has ended by itself.
func (c clientCase) printed(r *clientRun) error {
	if r.hung != nil {
		return verdict.Failf(c.waited(), "%v\nstandard output: %.300q%s", r.hung, r.stdout, r.told())
	}
	if c.stdout == anyOutput || r.stdout == c.stdout {
		return nil
	}
	f := verdict.Output(c.server.all(), c.stdout, r.stdout, slices.Contains(c.args, "-body"))
	cut := f.Diagnosis == "client-cut"
	switch {
	case slices.Contains(c.args, "-o"):
		f = &verdict.Failure{Diagnosis: "out-file"}
	case slices.Contains(c.args, "-p"):
		f = &verdict.Failure{Diagnosis: "parallel"}
	case c.late(r):
		f = &verdict.Failure{Diagnosis: c.waited()}
	case cut && wentOn.MatchString(r.stderr):
	case c.status != 1 && r.status != 0 && (cut || f.Diagnosis == "client-silent"):
		f = &verdict.Failure{Diagnosis: "client-gave-up", Args: []any{len(r.stdout), len(c.stdout), r.status}}
	}
	f.Seen = fmt.Sprintf("standard output: %s\nexit status %d%s", verdict.Difference([]byte(c.stdout), []byte(r.stdout)), r.status, r.told())
	return f
}

// exited compares the exit status.
func (c clientCase) exited(r *clientRun) error {
	if c.status == anyStatus || r.status == c.status {
		return nil
	}
	head := exchange.ReadMessage([]byte(c.server.all()))
	length, _ := head.Field("Content-Length")
	id := "exit-status"
	switch {
	case r.status == 0 && slices.Contains(c.stderr, "ended early"):
		id = "truncated-taken"
	case r.status == 0:
		id = "exit-0-on-failure"
	case c.status != 0:
	case c.late(r):
		id = c.waited()
	case len(head.Body) == 0 && strings.Trim(length, "0") != "":
		id = "no-body-comes"
	default:
		id = "exit-1-when-well"
	}
	return verdict.Failf(id, "exit status %d, want %d%s", r.status, c.status, r.told())
}

// said looks at standard error.
func (c clientCase) said(r *clientRun) error {
	for _, word := range c.stderr {
		if !strings.Contains(strings.ToLower(r.stderr), strings.ToLower(word)) {
			id := "not-said"
			if c.stdout == anyOutput && c.late(r) { // its own time-out ended it, and not the limit that it should have
				id = c.waited()
			}
			return verdict.Failf(id, "standard error does not speak of %q: %.500q", word, r.stderr)
		}
	}
	if c.quiet && r.stderr != "" {
		return verdict.Failf("says-too-much", "standard error: %.500q", r.stderr)
	}
	return nil
}

// inTime looks at how long the client took. A machine on which it was slow to start
// gives it more time.
func (c clientCase) inTime(r *clientRun) error {
	if c.within == 0 || r.took <= c.within+10*r.startup {
		return nil
	}
	id := "waits-for-close"
	if r.status != 0 { // there was nothing to wait for but the time-out
		id = "client-no-limit"
	}
	return verdict.Failf(id, "it took %v", r.took.Round(time.Millisecond))
}

// wrote compares the file of -o.
func (c clientCase) wrote(r *clientRun) error {
	if c.file == "" {
		return nil
	}
	got, err := os.ReadFile(r.out())
	if err != nil || string(got) != c.file {
		return verdict.Failf("out-file", "%v\n%s", err, verdict.Difference([]byte(c.file), got))
	}
	return nil
}

// told is what came on standard error, if anything did.
func (r *clientRun) told() string {
	if r.stderr == "" {
		return ""
	}
	return fmt.Sprintf("\nstandard error: %.500s", r.stderr)
}

// waited is the diagnosis for a client that was waiting when it should have ended.
func (c clientCase) waited() string {
	switch {
	case c.server.hold > 1:
		return "parallel"
	case c.server.then != "open":
		return "end-not-seen"
	case c.status == 1:
		return "client-no-limit"
	}
	return "waits-for-close"
}

// late reports whether a client waited for a connection that stays open until
// a time-out of its own came.
func (c clientCase) late(r *clientRun) bool {
	return c.server.then == "open" && r.took > exchange.Patience
}

// maxGrowth is how much more memory a program may need for a large body than
// for a small one, in bytes. The whole of the body would show.
const maxGrowth = 32 << 20

var timeline = regexp.MustCompile(`first byte ([0-9.]+) ms.*end ([0-9.]+) ms`)

// clientRules are what one case asks for, and no other: `rule NAME`.
var clientRules = map[string]func(*clientRun) error{
	"empty-line-ends-head": func(r *clientRun) error { // no output shows yet what the empty line was taken for
		if strings.Contains(r.stderr, `field line ""`) {
			return verdict.Failf("empty-line-read", "exit status %d%s", r.status, r.told())
		}
		return nil
	},
	"no-file": func(r *clientRun) error {
		if _, err := os.Stat(r.out()); err == nil {
			return verdict.Failf("out-file", "the file of -o was made")
		}
		return nil
	},
	"streamed": func(r *clientRun) error {
		switch info, err := os.Stat(r.out()); {
		case err != nil || r.status != 0 || info.Size() != 100_000_000:
			return verdict.Failf("body-not-read", "%v, exit status %d%s", err, r.status, r.told())
		case r.growth > maxGrowth:
			return verdict.Failf("client-memory", "for a body of 100 MB the client needed %d MB more", r.growth>>20)
		}
		return nil
	},
	"stops": func(r *clientRun) error { // a client of the textbook's
		if strings.Contains(r.after, " HTTP/") { // an empty line that is late is none
			return verdict.Failf("goes-on", "after the server had sent its answer and closed, %.60q came", r.after)
		}
		return nil
	},
	"three-at-once": func(r *clientRun) error {
		if lines := strings.Count(r.stderr, "first byte"); lines != 3 || r.connections != 3 {
			return verdict.Failf("parallel", "%d connections came, and %d lines:\n%s", r.connections, lines, r.stderr)
		}
		return nil
	},
	"first-byte-first": func(r *clientRun) error { // the end is a second behind it, for a client that sees both at once
		var first, end float64
		if m := timeline.FindStringSubmatch(r.stderr); m != nil {
			first, _ = strconv.ParseFloat(m[1], 64) // the expression lets only numbers through
			end, _ = strconv.ParseFloat(m[2], 64)
		}
		if end-first < 100 {
			return verdict.Failf("parallel", "standard error: %s", r.stderr)
		}
		return nil
	},
}
