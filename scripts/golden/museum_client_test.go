//go:build kit

package golden

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/term"
	"weblab.example/scripts/internal/verdict"
)

// A clientMistake is one that a pupil makes (museum_client_program_test.go: what it sends; museum_client_response_test.go: how it reads),
// the check that fails first because of it, and what it is told.
type clientMistake struct{ name, fails, diagnosis string }

var clientMistakes = []clientMistake{
	// Its request.
	{"no empty line after the request", "request", "request-no-end"},
	{"no empty line, no time-out", "request", "request-no-end"},
	{"bare LF in the request", "request", "request-bare-lf"},
	{"Host missing", "request", "host-missing"},
	{"Host hard-coded", "request", "host-wrong"},
	{"no port in Host", "request", "host-wrong"},
	{"HTTP/1.0 in the request", "request", "target-wrong"},
	{"the empty line is a field line", "head-printed", "empty-line-read"},
	{"Connection missing", "request", "request-lacks"},
	{"field names in small letters", "request", "request-differs"},
	{"reads first, then sends", "request", "request-none"},
	{"reads first, no time-out", "request", "request-none"},
	{"no / before the file", "request", "target-wrong"},
	{"a second / before the file", "slash-kept", "target-wrong"},
	{"the whole URL as the target", "url", "target-wrong"},
	{"the fragment is sent", "url-fragment", "target-wrong"},
	{"escapes are escaped again", "escapes-kept", "target-wrong"},
	{"the target as it was typed", "percent-escaped", "target-wrong"},
	{"every % kept", "percent-escaped", "target-wrong"},
	{"characters escaped, not bytes", "utf-8-escaped", "target-wrong"},
	{"spaces and line ends as they were typed", "line-end-escaped", "target-wrong"},
	{"-head asks with GET", "head", "target-wrong"},
	{"-H only adds", "field-replaced", "field-twice"},
	{"-H compares letter case", "field-replaced", "field-twice"},
	{"https:// without TLS", "https", "exit-status"},
	{"exit status 1 on wrong use", "https", "exit-status"},
	{"exit status 0 whatever happens", "https", "exit-0-on-failure"},

	// The head of a response.
	{"chatter on standard output", "head-printed", "client-chatter"},
	{"print() adds a line end", "head-printed", "client-chatter"},
	{"prints the body alone", "head-printed", "client-silent"},
	{"prints the fields from a map", "head-printed", "client-differs"},
	{"line ends become LF", "head-printed", "client-line-ends"},
	{"line ends become CR CR LF", "head-printed", "client-line-ends"},
	{"one recv and stop", "head-byte-by-byte", "client-cut"},
	{"one recv for the head, and no body is written yet", "head-byte-by-byte", "client-cut"},
	{"two recvs and stop", "head-byte-by-byte", "client-cut"},
	{"looks for CR LF only", "head-lf-only", "client-gave-up"},
	{"a reason phrase is needed", "no-reason", "client-gave-up"},
	{"a folded field is an error", "folded-field-and-body", "client-gave-up"},
	{"an interim response taken for the final one", "interim", "interim-taken"},
	{"prints what comes until the close", "no-status-line", "exit-0-on-failure"},
	{"exit status 0 when the network fails", "no-status-line", "exit-0-on-failure"},
	{"error messages on standard output", "no-status-line", "not-said"},

	// A body.
	{"prints the body of a 200, and the head of others", "content-length", "client-head-lost"},
	{"says on standard error that all is well", "content-length", "says-too-much"},
	{"Content-Length counts characters", "content-length", "exit-1-when-well"},
	{"one recv for the body", "content-length-byte-by-byte", "client-cut"},
	{"each recv decoded as text", "content-length-byte-by-byte", "client-decoded"},
	{"waits for the close", "content-length-open", "waits-for-close"},
	{"waits for the close, no time-out", "content-length-open", "waits-for-close"},
	{"does not see the end of the stream", "until-close", "end-not-seen"},
	{"HEAD waits for a body", "head-has-no-body", "no-body-comes"},
	{"a 204 has a body until the close", "204-has-no-body", "waits-for-close"},
	{"a body must be text", "all-bytes", "client-gave-up"},
	{"a 404 is an error", "404-is-an-answer", "exit-1-when-well"},
	{"the head printed with -body", "body", "client-head-printed"},
	{"-o ignored", "out-file", "out-file"},
	{"holds the body in memory", "memory", "client-memory"},
	{"no body of over 10 MB", "memory", "body-not-read"},

	// A chunked body.
	{"the size of a chunk read as decimal", "chunked", "client-gave-up"},
	{"each chunk decoded as text", "chunked-body", "client-decoded"},
	{"the sizes of the chunks stay in the body", "chunked-body", "chunk-sizes-left"},
	{"one recv for each chunk", "chunked-byte-by-byte", "client-gave-up"},
	{"chunk extensions are not known", "chunk-extensions", "client-gave-up"},
	{"no trailers are expected", "trailers", "exit-1-when-well"},
	{"Content-Length counts before chunked", "chunked-counts", "chunk-sizes-left"},
	{"field names compared letter by letter", "chunked-counts", "chunk-sizes-left"},
	{"chunked in HTTP/1.0, too", "chunked-in-http-1-0", "client-differs"},
	{"a line may be as long as it likes", "endless-line", "client-no-limit"},
	{"control octets are read like others", "control-octet-status-line", "exit-0-on-failure"},

	// How it ends.
	{"a body that is too short is taken for whole", "too-short", "truncated-taken"},
	{"does not say how many bytes are missing", "too-short", "not-said"},
	{"Content-Length ignored: reads while something comes", "too-short", "truncated-taken"},
	{"what comes after a body is printed as well", "too-long", "ignores-length"},
	{"bytes after the end are not looked for", "too-long", "exit-0-on-failure"},
	{"no time-out after the end", "switching-protocols", "waits-for-close"},
	{"a reset is taken for a close", "reset-in-the-middle", "not-said"},
	{"-o makes the file first", "refused-to-file", "out-file"},
	{"no time-out but after the end", "timeout-head", "client-no-limit"},
	{"a time-out for each recv only", "timeout-head-drip", "client-no-limit"},
	{"-max-time ignored", "max-time", "exit-0-on-failure"},
	{"the last chunk may be without its empty line", "cut-anywhere", "truncated-taken"},

	// Several requests.
	{"-n ignored", "two-requests", "one-request-only"},
	{"a connection for each request", "two-requests", "another-connection"},
	{"the end before the second answer is not explained", "gone-after-fin", "not-said"},
	{"a new buffer for each response", "too-long-persistent", "not-said"},
	{"-p prints the bodies", "parallel", "parallel"},
	{"-p makes one connection after the other", "parallel", "parallel"},
	{"-p: the first byte is seen at the end", "first-byte", "parallel"},
}

// TestMuseumOfClients shows what each mistake is told, and that each check
// finds a mistake that no check before it finds.
func TestMuseumOfClients(t *testing.T) {
	t.Parallel()
	labs, err := openLabs(t.Context(), Program{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer labs.close()
	checks := Checks(3)
	visits := []*clientVisit{{}} // the first makes none
	shown := map[string]bool{}
	for _, m := range clientMistakes {
		visits = append(visits, &clientVisit{mistake: m})
		shown[m.fails] = true
	}
	for _, c := range slices.Concat(slices.Collect(maps.Values(clientCases()))...) {
		if StepOf(c.Step).Level != "" && !shown[c.Name] {
			visits = append(visits, &clientVisit{mistake: clientMistake{name: "does not know the case", fails: c.Name}, bend: newBend(c)})
			shown[c.Name] = true
		}
	}
	for _, c := range checks {
		if !shown[c.Name] {
			t.Errorf("no mistake is there for %s", c.Name)
		}
	}

	var all errgroup.Group
	all.SetLimit(32) // most of the time they wait
	for _, v := range visits {
		all.Go(func() error { v.walk(labs, checks); return nil })
	}
	all.Wait()

	diagnosed := map[string]bool{}
	for _, v := range visits {
		want, got := v.mistake, v.failed
		if got.Status == NotRun && want.fails != "" {
			t.Logf("%-52s | %-26s | %s", want.name, want.fails, got.Why)
			diagnosed[want.diagnosis] = true
			continue
		}
		if want.diagnosis != "" {
			t.Logf("%-52s | %-26s | %s", want.name, got.Name, got.Diagnosis)
			diagnosed[got.Diagnosis] = true
		}
		if got.Name != want.fails || want.diagnosis != "" && got.Diagnosis != want.diagnosis {
			t.Errorf("%s: first to fail should be %q (%s), and is %q\n%s", cmp.Or(want.name, "no mistake"), want.fails, want.diagnosis, got.Name, got)
		}
		for line := range strings.Lines(got.String()) {
			if line = strings.TrimSuffix(line, "\n"); term.Columns(line) > term.Width && !strings.HasPrefix(line, "  again: ") {
				t.Errorf("%s: a line has %d columns: %s", want.name, term.Columns(line), line)
			}
		}
	}
	for _, diagnosis := range clientDiagnoses(t) {
		if !diagnosed[diagnosis] {
			t.Errorf("no mistake is told %s", diagnosis)
		}
	}
}

// clientDiagnoses lists the sections of the table that are about clients.
func clientDiagnoses(t *testing.T) (names []string) {
	t.Helper()
	for group, diagnoses := range verdict.Texts.Diagnoses {
		if strings.HasPrefix(group, "A client") {
			names = slices.AppendSeq(names, maps.Keys(diagnoses))
		}
	}
	if len(names) < 30 {
		t.Fatalf("%d diagnoses for clients", len(names))
	}
	return names
}

// A clientVisit is one pupil on its way through the checks.
type clientVisit struct {
	mistake clientMistake
	bend    *bend  // nil for a pupil with that mistake
	failed  Result // the first that failed, or that should have, and cannot be run here
}

// oneBig lets one body of 100 MB through at a time.
var oneBig sync.Mutex

// walk runs checks up to the first that fails.
func (v *clientVisit) walk(shared *labs, checks []Check) {
	above, err := os.MkdirTemp(shared.site.above, "pupil-") // where it may write; removed with the site
	if err != nil {
		panic(err)
	}
	in := func(p Program) *labs {
		return &labs{ctx: shared.ctx, program: p, site: &site{above: above}, seed: shared.seed, unwritten: &gaps{texts: map[string]string{}}, running: map[string]*lab{}}
	}
	run := func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		p := pupil{mistake: v.mistake.name, ctx: ctx, stdout: stdout, stderr: stderr}
		return p.main(args)
	}
	if v.bend != nil {
		run = v.bend.run
	}
	function := in(Program{function: run})
	program, err := os.Executable()
	if err != nil {
		panic(err) // no test binary is without a name
	}
	process := in(Program{Args: []string{program}, Env: []string{pupilVariable + "=" + v.mistake.name}})
	for _, c := range checks {
		labs := function
		if c.Name == "memory" {
			if v.bend != nil {
				continue // a bend is in one case, and this is none
			}
			labs = process
			oneBig.Lock()
		}
		r := Result{Check: c, Status: NotRun}
		r.judge(labs, "")
		if c.Name == "memory" {
			oneBig.Unlock()
		}
		if r.Status == Failed || r.Status == NotRun && c.Name == v.mistake.fails {
			v.failed = r
			return
		}
	}
}

// A bend makes a right client one that does not know a case: it knows it by
// the arguments and by what the server sends, and then asks for something
// else, gives up, or takes for well what is not.
type bend struct {
	c    clientCase
	args *regexp.Regexp // of the arguments, with a space behind each
}

func newBend(c clientCase) *bend {
	pattern := regexp.QuoteMeta(strings.Join(c.args, " ") + " ")
	pattern = regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllStringFunc(pattern, func(name string) string {
		switch name = strings.Trim(name, `\{}`); name {
		case "closed":
			return closedPort
		case "raw", "out":
			return `\S+` + name
		case "timeout":
			return c.timeout.String()
		case "host":
			return "127.0.0.1"
		case "port":
			return "[0-9]{2,}"
		}
		return `[0-9.:]+`
	})
	return &bend{c, regexp.MustCompile("^" + pattern + "$")}
}

// A trace is what a client has seen of its connection.
type trace struct {
	mu    sync.Mutex
	got   []byte
	reads int
	end   error
}

func (t *trace) note(p []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got, t.reads, t.end = append(t.got, p...), t.reads+1, err
}

// knows reports whether this is the case.
func (b *bend) knows(args []string, t *trace) bool {
	s := b.c.server
	if !b.args.MatchString(strings.Join(args, " ") + " ") {
		return false
	}
	if len(s.answers) == 0 || slices.Contains(b.c.args, "-p") {
		return true // nothing comes, or on several connections
	}
	sent := s.all()
	isPrefix := len(t.got) > 0 && strings.HasPrefix(sent, string(t.got)) && (b.c.stdout == anyOutput && b.c.Step != "S.5" || len(t.got) > 4_000) // before S.5 come responses that are cut
	timedOut, reset := errors.Is(t.end, os.ErrDeadlineExceeded), t.end != nil && isEnd(t.end) && t.end != io.EOF
	end := t.end == nil || t.end == io.EOF
	switch s.then {
	case "reset":
		end = reset
	case "open":
		end = t.end == nil || timedOut
	}
	if t.reads == 0 || s.drip != "" && len(t.got) <= len(s.answers[0]) {
		return false
	}
	return (string(t.got) == sent || isPrefix) && end
}

// run runs a pupil that is right but for the case.
func (b *bend) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var out, said bytes.Buffer
	p := pupil{ctx: ctx, stdout: &out, stderr: &said, seen: &trace{}}
	if b.c.Step == "3.1" && b.c.requests != nil {
		p.forgets = b.args.MatchString(strings.Join(args, " ") + " ")
	}
	status := p.main(args)
	switch {
	case p.forgets || b.c.raw != "" && len(b.c.server.answers) > 0 && string(p.request) != b.c.raw || !b.knows(args, p.seen):
	case b.c.status > 0:
		status = 0
		said.Reset()
	default:
		status = 1
		out.Reset()
		said.WriteString("cannot understand this\n")
	}
	stdout.Write(out.Bytes())  // the check's own writers
	stderr.Write(said.Bytes()) // have no errors
	return status
}
