//go:build kit

package notes

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

const (
	blockTime = 2 * time.Minute // for the commands of a block; and for a server to listen, as it may have to be built
	showTime  = 5 * time.Second // for a terminal to show what a page says that it shows
	atOnce    = 6               // pages, which mostly wait for time-outs that they show
)

// stepByStep reports whether a student meets the examples of a page with half of a
// program. They are run in a student's copy, in which the steps up to theirs are written.
func (p *Page) stepByStep() bool {
	return path.Dir(p.Name) == stepPages || strings.HasPrefix(p.Name, "lab-notes/stage")
}

// upTo are the steps that are written when a step is: those of its stage up to it, and
// what it needs of stage 1's server. Stage 2 needs no more than the core.
func upTo(id string) (ids []string) {
	last := golden.StepOf(id)
	for _, s := range golden.Steps {
		ofServer := s.Stage == 1 && (s.Level == golden.Core || s.Level == golden.Protocol && last.Stage == 3)
		if s.Stage == last.Stage || ofServer {
			ids = append(ids, s.ID)
		}
		if s.ID == id {
			break
		}
	}
	return ids
}

// TestCommands runs the commands of every page, those of a page in its order,
// in a copy of the workspace. The Chinese pages have the same commands. It runs on Linux
// only: the commands for sh need tools that are not everywhere, and ss tells who listens.
func TestCommands(t *testing.T) {
	limit := atOnce
	tried := make(chan error)
	go func() { tried <- ownNetwork() }()
	if err := <-tried; err != nil {
		t.Logf("pages run one after another, as they share this system's ports (root, or unshare -rn, could give each its own): %v", err)
		limit = 1
	}
	handout := filepath.Join(t.TempDir(), "handout")
	if out, err := exec.Command("go", "build", "-o", handout, "../../handout").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var pages errgroup.Group
	pages.SetLimit(limit)
	english := slices.DeleteFunc(readPages(t), (*Page).chinese)
	if len(english) < 10 {
		t.Errorf("only %d pages have commands to run", len(english))
	}
	checks := func(p *Page) int { return strings.Count(p.Text, "scripts/grade") + strings.Count(p.Text, "go test") }
	slices.SortStableFunc(english, func(a, b *Page) int { return checks(b) - checks(a) }) // what takes longest begins first
	for _, p := range english {
		pages.Go(func() error {
			t.Run(p.label(), func(t *testing.T) {
				if limit > 1 {
					must(t, ownNetwork())
				}
				r := &run{T: t, page: p, dir: filepath.Join(t.TempDir(), "weblab"), handout: handout, half: p.stepByStep()}
				r.all()
			})
			return nil
		})
	}
	pages.Wait() // what is wrong is told by the tests themselves
}

// ownNetwork gives this goroutine, and all programs that it starts, a network of
// their own, where every port is free: so each page has the ports that it names.
func ownNetwork() error {
	runtime.LockOSThread() // for ever: the thread ends with the goroutine
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	return exec.Command("ip", "link", "set", "lo", "up").Run()
}

// A run is that of a page.
type run struct {
	*testing.T
	page    *Page
	dir     string
	handout string // the program

	half    bool     // the page goes step by step,
	written []string // and these steps are written in dir

	open   []*terminal // servers and clients
	server *terminal   // the one started last, also when it has been ended
	shown  *terminal   // of the last block that a reader sees; nil when it was not run
}

func (r *run) all() {
	r.layOut()
	for i := range r.page.Blocks {
		b := &r.page.Blocks[i]
		if r.half && b.Step != "" && !slices.Contains(r.written, b.Step) {
			r.written = upTo(b.Step)
			r.layOut()
			if b.Kind != Server && r.server != nil {
				r.startServer(r.server.block)
			}
		}
		switch b.Kind {
		case Run:
			r.command(b)
		case Server:
			r.startServer(b)
		case Client:
			r.startClient(b)
		case NotRun:
			r.Logf("%s is not run: %s", r.at(b), b.Info)
			r.shown = nil
		case Output:
			if r.shown != nil { // else it shows what is not run
				r.compare(b, r.shown)
			}
		case OutputServer:
			r.compare(b, r.server)
		}
	}
}

// layOut makes the folder that the commands run in, which they may change: a copy of
// the workspace, or a student's copy with the steps that are written. It is in the
// same place again, so that what has not changed is not compiled again.
func (r *run) layOut() {
	for _, term := range r.open {
		r.end(term)
	}
	r.open = nil
	must(r.T, os.RemoveAll(r.dir))
	if !r.half { // .git is a file in a worktree, and leads back to it
		if _, err := kit.CopyFiles(r.dir, root, func(name string) bool { return name != ".git" }); err != nil {
			r.Fatal(err)
		}
		return
	}
	cmd := exec.Command(r.handout, "-o", r.dir, "-solved", strings.Join(r.written, ","))
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("the copy with steps %v: %v\n%s", r.written, err, out)
	}
}

func (r *run) at(b *Block) string { return fmt.Sprintf("%s:%d", r.page.Name, b.Line) }

// wrong reports what is wrong with a block, with all that its terminal shows.
func (r *run) wrong(term *terminal, format string, args ...any) {
	r.Helper()
	r.Errorf("%s: %s\n--- commands\n%s--- the terminal shows\n%s", r.at(term.block), fmt.Sprintf(format, args...), term.block.Text, term.shows.String())
}

// A terminal is a bash that runs the commands of a block, and what it prints.
type terminal struct {
	*launch.Cmd
	block *Block
	port  string      // of a server: where it listens; of a client: whom it asks
	shows launch.Tail // so far
}

// start opens a terminal for a block. What it shows, outputs are compared with.
func (r *run) start(b *Block) *terminal {
	term := &terminal{block: b, port: b.port(), Cmd: launch.Command(r.Context(), "bash", "-e", "-c", b.Text)}
	term.shows.Most = 1 << 20
	term.Dir = r.dir
	// Messages are in English. Without the names of folders in what is compiled, it is
	// the same in each copy of the workspace, and is compiled once.
	term.Env = append(os.Environ(), "PWD="+r.dir, "LC_ALL=C.UTF-8", "GOFLAGS=-trimpath")
	term.Stdout, term.Stderr = &term.shows, &term.shows
	if err := term.Start(); err != nil {
		r.Fatalf("%s: %v", r.at(b), err)
	}
	r.Cleanup(func() { r.end(term) })
	if !b.Hidden {
		r.shown = term
	}
	return term
}

// await waits for a condition, and reports whether it came true in time, and before
// the terminal ended.
func (term *terminal) await(within time.Duration, condition func() bool) bool {
	for end := time.Now().Add(within); ; {
		_, running := term.Wait(50 * time.Millisecond)
		if condition() {
			return true
		}
		if running == nil || time.Now().After(end) {
			return false
		}
	}
}

// end kills what runs in a terminal, also what a block that has ended left running.
func (r *run) end(term *terminal) {
	if err := term.Kill(); err != nil {
		r.Errorf("%s: %v", r.at(term.block), err)
	}
}

// command runs a block that ends by itself.
func (r *run) command(b *Block) {
	term := r.start(b)
	if status, err := term.Wait(blockTime); err != nil {
		r.wrong(term, "%v", err)
		r.end(term)
	} else if status != b.Exit {
		r.wrong(term, "%v, want exit status %d", term.ProcessState, b.Exit)
	}
}

var portNumber = regexp.MustCompile(`\b67(8[89]|9[01])\b`)

// port is the first port that a block's commands have, or 6789.
func (b *Block) port() string {
	if port := portNumber.FindString(b.WithoutComments()); port != "" {
		return port
	}
	return "6789"
}

// listens reports whether somebody listens on a port. It does not connect: that would
// use up a server that serves one client only, as nc -l does.
func listens(port string) bool {
	out, err := exec.Command("ss", "-Hltn", "sport = :"+port).Output()
	return err != nil || len(out) > 0
}

// startServer starts a server, and waits until it listens. The one that has its port
// is ended first, and its clients.
func (r *run) startServer(b *Block) {
	port := b.port()
	r.open = slices.DeleteFunc(r.open, func(other *terminal) bool {
		if other.port == port {
			r.end(other)
		}
		return other.port == port
	})
	if listens(port) {
		r.Fatalf("%s: somebody else listens on port %s", r.at(b), port)
	}
	r.server = r.start(b)
	r.open = append(r.open, r.server)
	if !r.server.await(blockTime, func() bool { return listens(port) }) {
		r.wrong(r.server, "nobody listens on port %s", port)
		r.FailNow() // nothing that follows would make sense
	}
}

// startClient starts a client, and waits until the server on its port has
// accepted a connection more.
func (r *run) startClient(b *Block) {
	i := slices.IndexFunc(r.open, func(s *terminal) bool { return s.block.Kind == Server && s.port == b.port() })
	if i < 0 {
		r.Fatalf("%s: no server runs on port %s", r.at(b), b.port())
	}
	server := r.open[i]
	accepted := func() int { return strings.Count(server.shows.String(), "accepted") }
	before := accepted()
	term := r.start(b)
	r.open = append(r.open, term)
	if !term.await(blockTime, func() bool { return accepted() > before }) {
		r.wrong(term, "the server did not accept a connection of this client; its terminal shows\n%s", server.shows.String())
	}
}

// compare compares what a terminal shows with what the page says. One that
// goes on has some time to show it.
func (r *run) compare(b *Block, term *terminal) {
	if term == nil {
		r.Errorf("%s: no server has been started", r.at(b))
		return
	}
	if !term.await(showTime, func() bool { return Matches(b.Text, term.shows.String()) }) {
		r.wrong(term, "it shows something else than line %d wants\n%s", b.Line, b.Text)
	}
}
