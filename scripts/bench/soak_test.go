package main

import (
	"bytes"
	"errors"
	"go/format"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

func TestSoakWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"-soak", "9s"}, {"-soak", "-1m"}, {"-soak", "0"}, {"-seed", "1"},
		{"-soak", "10s", "-only", "1"}, {"-soak", "10s", "-json"}, {"-soak", "10s", "-short"}, {"-soak", "10s", "-rounds", "5"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v, want wrong use", args, err)
		}
	}
	if o, err := parse([]string{"-soak", "10m", "-seed", "7"}, io.Discard); err != nil || o.soak.Minutes() != 10 || o.seed != 7 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestTroubles: whatever is too much, by one, is told.
func TestTroubles(t *testing.T) {
	sound := func() soakEnd {
		held := reading{holdings{Goroutines: 4, Descriptors: 14, Bytes: 200_000}, 0}
		return soakEnd{first: held, last: held}
	}
	for _, c := range []struct {
		name  string
		spoil func(*soakEnd)
		want  []string
	}{
		{"sound", func(*soakEnd) {}, nil},
		{"less at the end", func(e *soakEnd) { e.last = reading{holdings{3, 13, 100_000}, 0} }, nil},
		{"bytes within the tolerance", func(e *soakEnd) { e.last.Bytes += bytesTolerance }, nil},
		{"descriptors are not counted here", func(e *soakEnd) { e.first.Descriptors, e.last.Descriptors = -1, -1 }, nil},
		{"peak memory is not measured here", func(e *soakEnd) { e.peakErr = errNotHere }, nil},
		{"goroutine", func(e *soakEnd) { e.last.Goroutines++ }, []string{"1 goroutines more than after the first seconds"}},
		{"descriptor", func(e *soakEnd) { e.last.Descriptors++ }, []string{"1 descriptors more than after the first seconds"}},
		{"forgotten at first", func(e *soakEnd) { e.first.Forgotten = 1 }, []string{"only the garbage collector closed 1 descriptors: the program forgot to close them"}},
		{"forgotten at last", func(e *soakEnd) { e.last.Forgotten = 2 }, []string{"only the garbage collector closed 2 descriptors: the program forgot to close them"}},
		{"byte", func(e *soakEnd) { e.last.Bytes += bytesTolerance + 1 }, []string{"131,073 live bytes more than after the first seconds, but at most 131,072 are allowed"}},
		{"wrong answer", func(e *soakEnd) { e.wrongs = 1 }, []string{"1 wrong answers"}},
		{"race", func(e *soakEnd) { e.races, e.status = 1, 66 }, []string{"1 data races", "after a signal to stop, it ended with status 66"}},
		{"panic", func(e *soakEnd) { e.panics = 1 }, []string{"1 panics"}},
		{"ended", func(e *soakEnd) { e.tooEarly, e.status, e.lastErr = true, 2, io.EOF }, []string{"it ended by itself, with status 2"}},
		{"killed", func(e *soakEnd) { e.status = -1 }, []string{"after a signal to stop, it ended with status -1"}},
		{"not read", func(e *soakEnd) { e.lastErr = io.ErrUnexpectedEOF }, []string{"cannot read what it holds: unexpected EOF"}},
		{"several", func(e *soakEnd) { e.wrongs, e.last.Goroutines = 2, 6 }, []string{"2 wrong answers", "2 goroutines more than after the first seconds"}},
	} {
		e := sound()
		c.spoil(&e)
		if diff := cmp.Diff(c.want, e.troubles()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSoakTrouble(t *testing.T) {
	s := &soak{servers: []*soaked{{name: "stage 1"}, {name: "stage 2"}}}
	if err := s.trouble(); err != nil {
		t.Errorf("nothing was wrong: %v", err)
	}
	s.servers[1].ended.wrongs = 3
	if err := s.trouble(); err == nil || err.Error() != "stage 2: 3 wrong answers" {
		t.Errorf("%v", err)
	}
}

// TestPrintSoak: what is counted is told, and what was wrong is quoted.
func TestPrintSoak(t *testing.T) {
	server := &soaked{name: "stage 2", clients: 16, wrong: []string{"good, hello: it was wrong"}}
	for sort, n := range []int64{1000, 200, 30, 4, 5} {
		server.requests[sort].Store(n)
	}
	server.ended = soakEnd{wrongs: 1, races: 2, said: "WARNING: DATA RACE", peak: 50_000_000,
		first: reading{holdings{4, 14, 100_000}, 0}, last: reading{holdings{5, 15, 200_000}, 0}}
	var out bytes.Buffer
	if err := printSoak(&out, &soak{seed: 42, servers: []*soaked{server}}, 0); err != nil {
		t.Fatal(err)
	}
	var lines []string // with one space between words
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"stage 2", "clients 16", "requests 1,239", "good 1,000", "malformed 200", "aborted 30", "slow 4", "huge 5", "faults tried 239", "wrong answers 1",
		"data races 2", "panics 0", "goroutines 4, 5", "descriptors 14, 15", "live bytes 100,000, 200,000", "peak memory 50 MB",
		"stage 2: good, hello: it was wrong", "stage 2 said:", "WARNING: DATA RACE", "seed 42",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestWellFormed(t *testing.T) {
	const page = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
	refused := string(errorAnswer(400))
	for _, c := range []struct {
		name, answers string
		right         bool
	}{
		{"nothing", "", true},
		{"a page", page, true},
		{"an error", refused, true},
		{"one after the other", page + refused, true},
		{"too short", page[:len(page)-1], false},
		{"too long", page + "!", false},
		{"no page of its own", strings.Replace(refused, "<h1>400", "<h1>404", 1), false},
		{"an error of the server's own code", strings.ReplaceAll(refused, "400 Bad Request", "500 Internal Server Error"), false},
		{"LF alone", strings.ReplaceAll(page, "\r\n", "\n"), false},
		{"another order", strings.Replace(page, "Content-Type: text/plain\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Type: text/plain\r\n", 1), false},
		{"no length", strings.Replace(page, "Content-Length: 2\r\n", "", 1), false},
		{"something else", "hello", false},
	} {
		if err := wellFormed([]byte(c.answers)); (err == nil) != c.right {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestToTheEnd: what comes is compared byte for byte, and so is its end.
func TestToTheEnd(t *testing.T) {
	lost := errors.New("connection reset")
	for _, c := range []struct {
		name string
		from io.Reader
		want string // of the error
	}{
		{"right", strings.NewReader("answer"), ""},
		{"right, in pieces", iotest.OneByteReader(strings.NewReader("answer")), ""},
		{"nothing", strings.NewReader(""), "0 bytes of 6 came, and then: EOF"},
		{"short", strings.NewReader("answ"), "4 bytes of 6 came, and then: EOF"},
		{"wrong", iotest.OneByteReader(strings.NewReader("anzwer")), `wrong bytes at byte 2 of 6: want "swer", got "z"`},
		{"long", strings.NewReader("answers"), `wrong bytes at byte 6 of 6: want "", got "s"`},
		{"reset in it", io.MultiReader(strings.NewReader("answ"), iotest.ErrReader(lost)), "4 bytes of 6 came, and then: connection reset"},
		{"reset after it", io.MultiReader(strings.NewReader("answer"), iotest.ErrReader(lost)), "all 6 bytes came, but then no FIN: connection reset"},
	} {
		g := &guest{buf: make([]byte, 16)}
		got := ""
		if err := g.toTheEnd(c.from, []byte("answer")); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestScript: no golden case is left out but those of flags that a server does
// not have, and what is made of them is right by their own answers.
func TestScript(t *testing.T) {
	site, remove, err := golden.LayOut()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	cases, err := golden.Cases()
	if err != nil {
		t.Fatal(err)
	}
	plain, persistent := 0, 0
	for _, c := range cases {
		if len(c.Flags) == 0 {
			plain++
		} else if slices.Equal(c.Flags, []string{"-keep-alive"}) && !refusal.Match(c.Response) {
			persistent++
		}
	}
	s, err := newScript(site, false)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.good) + len(s.malformed); n != plain || len(s.good) < 100 || len(s.malformed) < 100 || len(s.single) < 80 {
		t.Errorf("%d good and %d malformed of %d, %d single", len(s.good), len(s.malformed), plain, len(s.single))
	}
	k, err := newScript(site, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.good) != persistent || len(k.malformed) < 100 {
		t.Errorf("with -keep-alive: %d good and %d malformed, of %d", len(k.good), len(k.malformed), persistent)
	}
	for _, e := range slices.Concat(s.good, k.good) {
		for _, status := range []string{"400", "414", "431", "501", "505"} {
			if bytes.HasPrefix(e.want, []byte("HTTP/1.1 "+status)) {
				t.Errorf("%s counts as good, and is answered with %s", e.name, status)
			}
		}
	}
	for _, e := range []exchange{s.large, s.huge, s.post} {
		if err := wellFormed(e.want); err != nil || len(e.send) == 0 {
			t.Errorf("%q: %v", e.send, err)
		}
	}
	for _, e := range s.single {
		if n := bytes.Count(e.openEnded().want, closeField); n != 0 {
			t.Errorf("%s: open-ended, it says close %d times", e.name, n)
		}
		if n := bytes.Count(e.lastOne().send, closeField); n != 1 || !bytes.HasSuffix(e.lastOne().send, []byte("\r\n\r\n")) {
			t.Errorf("%s: the last one is %q", e.name, e.lastOne().send)
		}
		if n := len(e.lastOne().send); n > 16<<10 {
			t.Errorf("%s: the last one is %d bytes long, which is more than a head may be", e.name, n)
		}
		if bytes.Contains(e.send, closeField) || !bytes.Contains(e.want, closeField) {
			t.Errorf("%s was changed", e.name)
		}
	}
}

func TestMixture(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var counted mixture
	for range 100_000 {
		counted[mixtureAmong.pick(random)]++
	}
	for sort, share := range mixtureAmong {
		if got := counted[sort] / 100; got < share-share/4-2 || got > share+share/4+2 {
			t.Errorf("%s: %d of a thousand, want %d", sortNames[sort], got, share)
		}
	}
}

// TestSoakLog: races and panics are counted however the log is cut, what a client
// has sent cannot look like one, and not all is kept.
func TestSoakLog(t *testing.T) {
	const before = `time=x level=INFO msg=request conn=1 target="/ level=ERROR msg=panic "` + "\n"
	quoted := strings.Replace(before, `"/ level=ERROR msg=panic "`, `"/\nWARNING: DATA RACE"`, 1)
	const report = "==================\nWARNING: DATA RACE\nRead at 0x1 by goroutine 7:\n==================\n"
	const panicked = "time=x level=ERROR msg=panic conn=2 error=broken\n"
	for _, piece := range []int{1, 7, 1 << 20} {
		l := &soakLog{}
		for part := range slices.Chunk([]byte(quoted+report+quoted+panicked), piece) {
			l.Write(part)
		}
		if races, panics, said := l.sum(); races != 1 || panics != 1 || said != strings.TrimPrefix(report, "==================\n")+panicked {
			t.Errorf("in pieces of %d: %d races, %d panics, %q", piece, races, panics, said)
		}
	}
	l := &soakLog{}
	io.WriteString(l, panicked+strings.Replace(panicked, "conn=2", "conn=3", 1)+quoted)
	if races, panics, said := l.sum(); races != 0 || panics != 2 || said != panicked {
		t.Errorf("%d races, %d panics, %q", races, panics, said)
	}
	l = &soakLog{}
	for range 10_000 {
		io.WriteString(l, quoted)
	}
	io.WriteString(l, "fatal error: the end\n")
	races, panics, said := l.sum()
	if races != 0 || panics != 0 || len(said) > 2*logKept || !strings.HasSuffix(said, "the end\n") {
		t.Errorf("%d races, %d panics, %d bytes kept, at the end %q", races, panics, len(said), said[max(0, len(said)-50):])
	}
}

// TestProbeSource: nobody but a soak compiles it.
func TestProbeSource(t *testing.T) {
	formatted, err := format.Source(probeSource)
	if err != nil || !bytes.Equal(formatted, probeSource) {
		t.Errorf("not as gofmt would have it, or: %v", err)
	}
	if n := bytes.Count(probeSource, []byte(`"FOLDER"`)); n != 1 {
		t.Errorf("the folder stands in it %d times", n)
	}
}
