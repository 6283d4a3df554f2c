//go:build kit && linux

package hostile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

const (
	soakTime    = 20 * time.Second          // of TestSoak, unless WEBLAB_SOAK says otherwise
	soakTimeout = 3 * time.Second           // -head-timeout, -idle-timeout, -stall and -linger: short, but enough on a busy machine
	calm        = soakTimeout + time.Second // longer than all of them: what a server holds after it, it holds for good
)

// A soaked is one server in a soak, with its guests.
type soaked struct {
	name    string
	stage   int
	flags   []string
	clients int
	quick   bool // no slow ways

	*launch.Server
	log    *soakLog
	script *script
	ways   []way

	mu     sync.Mutex     // guards what follows
	tried  map[string]int // by the name of the way
	wrongs int
	wrong  []string // the first ones
}

// TestSoak keeps both servers busy, with clients of every sort at once, and with the race
// detector on. Leaks are small and some faults are rare, so they need time: in CI it only
// shows that it works. Before a release (.ci/run full):
//
//	WEBLAB_SOAK=10m go test -tags kit -v -run TestSoak$ -timeout 30m ./scripts/internal/hostile
func TestSoak(t *testing.T) {
	t.Parallel()
	length := soakTime
	if given := os.Getenv("WEBLAB_SOAK"); given != "" {
		var err error
		length, err = time.ParseDuration(given)
		must(t, err)
	}
	servers := newSoak(t, nil, &soaked{name: "stage 1", stage: 1, clients: 3}, // they wait for each other
		&soaked{name: "stage 2", stage: 2, clients: 16}, &soaked{name: "stage 2 -keep-alive", stage: 2, clients: 16, flags: []string{"-keep-alive"}})
	const warmUp = 2*soakTimeout + time.Second // every slow way fits into it
	for _, trouble := range soak(t, servers, warmUp, max(time.Second, length-warmUp-2*calm)) {
		t.Error(trouble)
	}
	for _, s := range servers {
		for _, w := range s.ways {
			if s.tried[w.name] == 0 && (s.stage == 2 || !w.slow) {
				t.Errorf("%s: nobody tried: %s", s.name, w.name)
			}
		}
	}
}

// mistakes are what a soak must find: one line of the stages that is another one, and what
// is said about it.
var mistakes = []struct{ file, old, new, said string }{
	{"stage1-single/http1/conn.go", "defer resp.File.Close()", "_ = resp.File", "garbage collector closed [0-9]+ descriptors"},
	{"stage1-single/rig/conn.go", "c.stopWatch = context", "go func() { select {} }(); c.stopWatch = context", "[0-9] goroutines more"},
	{"stage1-single/rig/conn.go", "c.logRequest(resp.Why)", "b := make([]byte, 4096); context.AfterFunc(c.listener.Stopping, func() { b[0]++ }); c.logRequest(resp.Why)", "live bytes more"},
	{"stage1-single/rig/conn.go", "l.serving.Add(1)", "l.serving.Add(1); l.Verbose = l.KeepAlive && l.Verbose", "data races"},
	{"stage1-single/rig/conn.go", "c.listener.experiment(resp)", "if resp.Status == 405 { resp.Allow = \"GET\" }; c.listener.experiment(resp)", "wrong answers"},
	{"stage1-single/rig/conn.go", "c.unasked -= req.Size", "if c.listener.accepted.Load()%100 == 13 { panic(io.ErrNoProgress) }; c.unasked -= req.Size", "panics"},
	{"stage1-single/rig/conn.go", "if l.KeepAlive {", "if !l.KeepAlive && l.accepted.Load() == 300 { os.Exit(7) }; if l.KeepAlive {", "stage 2: it ended by itself, with status 7"},
}

// TestSoakFindsMistakes soaks servers with all mistakes in them: each is found.
func TestSoakFindsMistakes(t *testing.T) {
	t.Parallel()
	root, err := kit.Find()
	must(t, err)
	broken := map[string]string{}
	for _, m := range mistakes {
		name := filepath.Join(root, filepath.FromSlash(m.file))
		if broken[name] == "" {
			text, err := os.ReadFile(name)
			must(t, err)
			broken[name] = string(text)
		}
		if n := strings.Count(broken[name], m.old); n != 1 {
			t.Fatalf("%s has %q %d times", m.file, m.old, n)
		}
		broken[name] = strings.Replace(broken[name], m.old, m.new, 1)
	}
	servers := newSoak(t, broken, &soaked{name: "stage 2", stage: 2, clients: 16, quick: true}, &soaked{name: "stage 2 -keep-alive", stage: 2, clients: 16, quick: true, flags: []string{"-keep-alive"}})
	found := strings.Join(soak(t, servers, time.Second, time.Second), "\n")
	for _, m := range mistakes {
		if !regexp.MustCompile(m.said).MatchString(found) {
			t.Errorf("not found: %q, only\n%s", m.new, found)
		}
	}
}

// newSoak builds the stages with the race detector, a probe and perhaps other files in
// them, and starts the servers.
func newSoak(t *testing.T, replaced map[string]string, servers ...*soaked) []*soaked {
	t.Helper()
	programs := buildProbed(t, replaced)
	site, remove, err := golden.LayOut()
	must(t, err)
	t.Cleanup(remove)
	for _, s := range servers {
		s.log = &soakLog{counts: map[string]int{}}
		s.script, err = newScript(len(s.flags) > 0)
		must(t, err)
		s.ways = slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return w.persistent && len(s.flags) == 0 })
		s.tried = map[string]int{}
		args := append([]string{"-addr", "127.0.0.1:0", "-root", site}, s.flags...)
		for _, timeout := range []string{"-head-timeout", "-idle-timeout", "-stall", "-linger"} {
			args = append(args, timeout, soakTimeout.String())
		}
		s.Server, err = launch.Serve(t.Context(), s.log, programs[s.stage], args...)
		must(t, err)
		t.Cleanup(func() { must(t, s.Kill()) })
	}
	return servers
}

// soak lets the guests in twice: for the first seconds, with one guest for every way, and
// for the rest of the time. After each it reads what the servers hold. Then it stops them,
// and returns all that was wrong.
func soak(t *testing.T, servers []*soaked, lengths ...time.Duration) (troubles []string) {
	t.Helper()
	random := rand.Uint64()
	t.Logf("seed %d", random)
	first, last := make([]held, len(servers)), make([]held, len(servers))
	for round, now := range [][]held{first, last} {
		end := time.Now().Add(lengths[round])
		var all errgroup.Group
		for i, s := range servers {
			all.Go(func() error {
				s.letIn(rand.NewPCG(random, uint64(2*i+round)), end, round == 0)
				now[i] = s.read(t)
				return nil
			})
		}
		all.Wait() // no function returns an error
	}
	for i, s := range servers {
		peak, _ := launch.PeakMemory(s.Process.Pid)
		for _, trouble := range s.troubles(first[i], last[i]) {
			troubles = append(troubles, s.name+": "+trouble)
		}
		visits := 0
		for _, n := range s.tried {
			visits += n
		}
		t.Logf("%s: %d visits, %d wrong answers, %v; after the first seconds %+v, at the end %+v; peak memory %d MB (with the race detector)",
			s.name, visits, s.wrongs, s.log.counts, first[i], last[i], peak>>20)
	}
	return troubles
}

// letIn lets the guests in until the time end, and returns when the last one has left.
func (s *soaked) letIn(source rand.Source, end time.Time, first bool) {
	random := rand.New(source)
	var all sync.WaitGroup
	let := func(visits func(*guest)) {
		g := &guest{s, rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))}
		all.Go(func() { visits(g) })
	}
	for range s.clients {
		let(func(g *guest) { g.visitUntil(end) })
	}
	if first {
		let((*guest).askAll)
		for _, w := range s.ways {
			if !w.slow || s.stage == 2 && !s.quick { // in stage 1, the others would wait
				let(func(g *guest) { g.visit(w) })
			}
		}
	}
	all.Wait()
	// A file that it forgets to close is there to be found then.
	let(func(g *guest) { g.exact(s.script.large, client{}) })
	all.Wait()
}

// held is what a server holds when it has no client.
type held struct {
	goroutines, descriptors int
	bytes                   int64 // of the heap that are reachable
	forgotten               int   // descriptors that only the garbage collector has closed
	err                     error
}

// read waits until a server is quiet, and reads what it holds.
func (s *soaked) read(t *testing.T) (h held) {
	begin := time.Now()
	h.descriptors = descriptors(s.Process.Pid)
	for since := begin; time.Since(since) < calm; time.Sleep(50 * time.Millisecond) { // the server does not tell when it is quiet
		if now := descriptors(s.Process.Pid); now != h.descriptors {
			h.descriptors, since = now, time.Now()
		}
		if time.Since(begin) > 10*calm {
			return held{err: fmt.Errorf("%v after the last client left, the number of descriptors still changes: %d", 10*calm, h.descriptors)}
		}
	}
	for range 2 { // Go closes forgotten descriptors some time after the collection
		if h.err = s.ask(&h); h.err != nil {
			return h
		}
	}
	h.forgotten = h.descriptors - descriptors(s.Process.Pid)
	return h
}

// ask asks the probe.
func (s *soaked) ask(h *held) error {
	addr, err := os.ReadFile(filepath.Join(os.Getenv("WEBLAB_PROBES"), strconv.Itoa(s.Process.Pid)))
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", string(addr))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience)) // fails if closed, and so does what follows
	answer, err := io.ReadAll(conn)            // to its end: the server has closed it then
	if err == nil {
		_, err = fmt.Sscan(string(answer), &h.goroutines, &h.bytes)
	}
	return err
}

// troubles stops the server, and lists what was wrong with it. In 90 s, right servers had 1
// to 8 kB more, after 20,000 requests or after 135,000: new threads, and caches of the Go
// runtime. With this tolerance, a soak of a minute finds a leak of 16 bytes a request.
func (s *soaked) troubles(first, last held) (all []string) {
	const tolerance = 128 << 10 // bytes
	wrong := func(n int64, format string, args ...any) {
		if n > 0 {
			all = append(all, fmt.Sprintf("%d "+format, append([]any{n}, args...)...))
		}
	}
	early := s.hasEnded()
	s.Stop()
	status := s.ExitStatus()
	wrong(int64(s.wrongs), "wrong answers, such as\n%s", strings.Join(s.wrong, "\n"))
	wrong(int64(s.log.counts["race"]), "data races:\n%s", s.log.race)
	wrong(int64(s.log.counts["panic"]), "panics:\n%s", &s.log.Tail)
	switch err := errors.Join(first.err, last.err); {
	case early:
		return append(all, fmt.Sprintf("it ended by itself, with status %d:\n%s", status, &s.log.Tail))
	case status != 0:
		all = append(all, fmt.Sprintf("after a signal to stop, it ended with status %d", status))
	case err != nil:
		return append(all, fmt.Sprintf("cannot read what it holds: %v", err))
	}
	wrong(int64(last.goroutines-first.goroutines), "goroutines more than after the first seconds")
	wrong(int64(last.descriptors-first.descriptors), "descriptors more than after the first seconds")
	wrong(int64(max(first.forgotten, last.forgotten)), "times it forgot to close: only the garbage collector closed %d descriptors", max(first.forgotten, last.forgotten))
	if more := last.bytes - first.bytes; more > tolerance {
		wrong(more, "live bytes more than after the first seconds, but at most %d are allowed", tolerance)
	}
	if c := s.log.counts; c["accepted"] != c["closed"] || c["request"] != c["answered"] {
		all = append(all, fmt.Sprintf("the log has %v", c))
	}
	return all
}

func (s *soaked) hasEnded() bool {
	_, err := s.Wait(0)
	return err == nil
}

// A soakLog reads a server's log. It counts the events, and keeps the first report of the
// race detector, and the end, because the whole log would take gigabytes.
type soakLog struct {
	launch.Tail
	counts map[string]int
	line   []byte // one that has not ended yet
	race   string
}

func (l *soakLog) Write(p []byte) (int, error) {
	l.line = append(l.line, p...)
	for {
		end := bytes.IndexByte(l.line, '\n') + 1
		if end == 0 {
			return len(p), nil
		}
		line := l.line[:end]
		if bytes.HasPrefix(line, []byte("WARNING: DATA RACE")) {
			l.counts["race"]++
		}
		if l.counts["race"] == 1 && len(l.race) < 8<<10 {
			l.race += string(line)
		}
		if _, event, ok := bytes.Cut(line, []byte(" msg=")); ok { // what a client sent can only come behind it
			name, _, _ := bytes.Cut(event, []byte(" "))
			l.counts[string(name)]++
		}
		l.Tail.Write(line)
		l.line = l.line[end:]
	}
}

// buildProbed builds both servers with the race detector and the probe. It does not change
// the files of the stages: with -overlay, the compiler takes some files from another place.
func buildProbed(t *testing.T, replaced map[string]string) map[int]string {
	t.Helper()
	root, err := kit.Find()
	must(t, err)
	probe, err := testdata.ReadFile("testdata/probe.go")
	must(t, err)
	temp, programs := t.TempDir(), map[int]string{}
	plant(t, temp, "probe.go", string(probe))
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for name, text := range replaced {
		file := fmt.Sprintf("%d.go", len(overlay.Replace))
		plant(t, temp, file, text)
		overlay.Replace[name] = filepath.Join(temp, file)
	}
	for stage := 1; stage <= 2; stage++ {
		overlay.Replace[filepath.Join(root, kit.Folder(stage), "soak_probe.go")] = filepath.Join(temp, "probe.go")
		programs[stage] = filepath.Join(temp, kit.Folder(stage)+"-race.exe")
	}
	list, err := json.Marshal(overlay)
	must(t, err)
	plant(t, temp, "overlay.json", string(list))
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " '-overlay=" + filepath.Join(temp, "overlay.json") + "'")
	noRace := regexp.MustCompile(`C compiler|-race requires cgo|-race is (?:only|not) supported|gcc`)
	var builds errgroup.Group
	for stage, program := range programs {
		builds.Go(func() error { return kit.Build(t.Context(), root, kit.Folder(stage), program, true, "GOFLAGS="+flags) })
	}
	if err := builds.Wait(); err != nil && noRace.MatchString(err.Error()) {
		t.Skipf("a soak needs the race detector, which needs a 64-bit system with cgo and a C compiler: %v", err)
	} else {
		must(t, err)
	}
	return programs
}
