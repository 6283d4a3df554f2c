//go:build kit

package notes

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets more pages run beside each other than there are processors: they
// wait most of their time, for time-outs that they show.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0)))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// stepByStep are the pages whose examples a student meets with half of a program,
// each with the steps that are written before. The examples are run in a student's
// copy, in which the steps up to their own are written.
var stepByStep = map[string][]string{
	"lab-notes/stage1.md": {},
	"lab-notes/stage2.md": {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6"},
	"lab-notes/stage3.md": {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9"},
}

// TestCommands runs the commands of every page, those of a page in its order,
// in a copy of the workspace. The Chinese pages have the same commands.
func TestCommands(t *testing.T) {
	pages := slices.DeleteFunc(readPages(t), (*Page).chinese)
	findTools(t, pages)
	var sum summary
	t.Cleanup(func() { sum.report(t) })
	// What measures time gets the machine for itself. The others are paused by
	// t.Parallel until all of those are done.
	for _, alone := range []bool{true, false} {
		for _, p := range pages {
			if measures(p) != alone {
				continue
			}
			t.Run(p.label(), func(t *testing.T) {
				if !alone {
					t.Parallel()
				}
				r := &run{T: t, page: p, ports: freePorts(t, pages), sum: &sum}
				t.Cleanup(r.endAll)
				if r.written = stepByStep[p.Name]; r.written != nil {
					r.dir = filepath.Join(t.TempDir(), "weblab")
					r.handOut()
				} else {
					r.dir = copyWorkspace(t, p.uses(`\bgit\b`))
				}
				r.all()
			})
		}
	}
}

// measures reports whether a page runs the checks, some of which measure time.
func measures(p *Page) bool { return p.uses(`scripts/(grade|bench)\b|go test`) }

func (p *Page) uses(pattern string) bool {
	return slices.ContainsFunc(p.Blocks, func(b Block) bool {
		return (b.Kind == Run || b.Kind == Server || b.Kind == Client) && regexp.MustCompile(pattern).MatchString(b.WithoutComments())
	})
}

// A summary is what was done in all, for TestCommands to say at its end.
type summary struct {
	sync.Mutex
	commands, compared int
	notRun             []string
}

func (s *summary) add(commands, compared int, notRun string) {
	s.Lock()
	defer s.Unlock()
	s.commands += commands
	s.compared += compared
	if notRun != "" {
		s.notRun = append(s.notRun, notRun)
	}
}

func (s *summary) report(t *testing.T) {
	slices.Sort(s.notRun)
	t.Logf("%d commands were run, %d blocks of output compared, %d blocks not run:\n%s",
		s.commands, s.compared, len(s.notRun), strings.Join(s.notRun, "\n"))
	if s.commands == 0 {
		t.Error("nothing was run")
	}
}

// A run is that of a page.
type run struct {
	*testing.T
	page  *Page
	dir   string
	ports Ports
	sum   *summary

	written []string // of a page that goes step by step: the steps that are written in dir; else nil

	servers []*terminal // those that have not been ended, in the order in which they were started
	clients []*terminal // likewise
	server  *terminal   // the one started last, also when it has been ended
	shown   *terminal   // of the last block that a reader sees; nil when it was not run
}

func (r *run) all() {
	for i := range r.page.Blocks {
		b := &r.page.Blocks[i]
		if r.written != nil && b.Step != "" && !slices.Contains(r.written, b.Step) {
			r.written = append(r.written, b.Step)
			r.handOut()
			if b.Kind != Server && r.server != nil {
				r.startServer(r.server.block)
			}
		}
		if b.Kind == Run || b.Kind == Server || b.Kind == Client {
			r.sum.add(b.Commands(), 0, "")
		}
		switch b.Kind {
		case Run:
			r.command(b)
		case Server:
			r.startServer(b)
		case Client:
			r.startClient(b)
		case NotRun:
			r.sum.add(0, 0, r.at(b)+": "+b.Reason)
			r.shown = nil
		case Output:
			r.compare(b, r.shown)
		case OutputServer:
			r.compare(b, r.server)
		}
	}
}

// handOut makes the student's copy with the steps that are written. It is in the same
// folder again, so that what has not changed is not compiled again.
func (r *run) handOut() {
	r.endAll()
	if err := os.RemoveAll(r.dir); err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command("go", "run", "./scripts/handout", "-o", r.dir, "-solved", strings.Join(r.written, ","))
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("the copy with steps %v: %v\n%s", r.written, err, out)
	}
}

func (r *run) at(b *Block) string { return fmt.Sprintf("%s:%d", r.page.Name, b.Line) }

// start opens a terminal for a block. What it shows, outputs are compared with.
func (r *run) start(b *Block) *terminal {
	term, err := open(r.dir, b, r.ports.Address(b.Text))
	if err != nil {
		r.Fatalf("%s: %v", r.at(b), err)
	}
	if !b.Hidden {
		r.shown = term
	}
	return term
}

// wrong reports what is wrong with a block, with all that its terminal shows.
func (r *run) wrong(b *Block, term *terminal, format string, args ...any) {
	r.Helper()
	r.Errorf("%s: %s\n--- commands\n%s--- the terminal shows\n%s", r.at(b), fmt.Sprintf(format, args...),
		r.ports.Back(r.ports.Address(b.Text)), r.ports.Back(term.shows()))
}

// command runs a block that ends by itself. What it leaves running is killed.
func (r *run) command(b *Block) {
	term := r.start(b)
	defer term.kill()
	select {
	case <-term.done:
	case <-time.After(blockTime):
		r.wrong(b, term, "not ended after %v", blockTime)
		return
	}
	if got := term.cmd.ProcessState.ExitCode(); got != b.Exit {
		r.wrong(b, term, "%v, want exit status %d", term.cmd.ProcessState, b.Exit)
	}
}

// port is the first port that a block's commands have, or 6789.
func (r *run) port(b *Block) string {
	for _, n := range number.FindAllString(b.WithoutComments(), -1) {
		if port, ok := r.ports[n]; ok {
			return port
		}
	}
	return r.ports[defaultPort]
}

// startServer starts a server, and waits until it listens. The one that has
// its port is ended first.
func (r *run) startServer(b *Block) {
	port := r.port(b)
	for _, s := range slices.Clone(r.servers) {
		if s.port == port {
			r.end(s)
		}
	}
	if listens(port) {
		r.Fatalf("%s: somebody else listens on port %s", r.at(b), port)
	}
	term := r.start(b)
	term.port = port
	r.server = term
	r.servers = append(r.servers, term)
	await(blockTime, func() bool { return listens(port) || term.ended() })
	if !listens(port) {
		r.wrong(b, term, "nobody listens on port %s", r.ports.Back(port))
		r.FailNow() // nothing that follows would make sense
	}
}

// startClient starts a client, and waits until the server on its port has
// accepted a connection more.
func (r *run) startClient(b *Block) {
	port := r.port(b)
	i := slices.IndexFunc(r.servers, func(s *terminal) bool { return s.port == port })
	if i < 0 {
		r.Fatalf("%s: no server runs on port %s", r.at(b), r.ports.Back(port))
	}
	server := r.servers[i]
	accepted := func() int { return strings.Count(server.shows(), "accepted") }
	before := accepted()
	term := r.start(b)
	term.port, term.server = port, server
	r.clients = append(r.clients, term)
	await(blockTime, func() bool { return accepted() > before || term.ended() })
	if accepted() == before {
		r.wrong(b, term, "the server did not accept a connection of this client; its terminal shows\n%s", r.ports.Back(server.shows()))
	}
}

// end ends a server, and then its clients.
func (r *run) end(server *terminal) {
	server.interrupt()
	for _, c := range r.clients {
		if c.server == server {
			c.interrupt()
		}
	}
	r.clients = slices.DeleteFunc(r.clients, func(c *terminal) bool { return c.server == server })
	r.servers = slices.DeleteFunc(r.servers, func(s *terminal) bool { return s == server })
}

func (r *run) endAll() {
	for _, s := range slices.Backward(slices.Clone(r.servers)) {
		r.end(s)
	}
}

// compare compares what a terminal shows with what the page says. One that
// goes on has some time to show it.
func (r *run) compare(b *Block, term *terminal) {
	if term == nil && b.Kind == Output {
		r.sum.add(0, 0, r.at(b)+": what the block shows that is not run")
		return
	}
	if term == nil {
		r.Errorf("%s: no server has been started", r.at(b))
		return
	}
	r.sum.add(0, 1, "")
	matches := func() bool { return Matches(b.Text, r.ports.Back(term.shows())) }
	wait := showTime
	if term.block.Kind == Run {
		wait = 0 // it has ended
	}
	if !await(wait, matches) {
		r.Errorf("%s: the terminal of line %d shows something else\n--- commands\n%s--- want\n%s--- got\n%s", r.at(b), term.block.Line,
			term.block.Text, b.Text, r.ports.Back(term.shows()))
	}
}
