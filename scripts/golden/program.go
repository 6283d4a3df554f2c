package golden

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// exchange.Patience is how long a check waits for something that a right program does
// at once. Only a wrong one makes anybody wait for it.

// A Program is how a stage is started. One of the kit gets the flags of a
// check behind its Args, and says itself where it listens.
type Program struct {
	Args []string // the program and its first arguments
	Env  []string // added to the environment, such as "WEBLAB_STAGE=1"

	// Foreign is a program in any language that knows none of the kit's flags.
	// {port} and {root} in its Args are replaced, for a client {host}, {port}
	// and {file}; without Args it is a server that runs already.
	Foreign bool
	Addr    string // host:port where a foreign server listens, if no {port} says so
	Dir     string // its files: they are copied, and lie beside those of the site

	Confine func(*exec.Cmd) `json:"-"` // if not nil: takes rights from a process that is about to start
	Again   string          // what the command that repeats a check has to say about the program

	// For tests: a server is started, or a client is a function, in the test's own
	// process. The function returns the exit status.
	serve    func(ls *labs, flags []string) (*lab, error)
	noSite   bool // that server has its files elsewhere
	function func(ctx context.Context, args []string, stdout, stderr io.Writer) int
	poor     bool // the system has nothing of what not every one has
}

// A process is a program that runs.
type process struct {
	cmd    *exec.Cmd     // nil for a function
	end    func()        // ends it before its time
	status int           // its exit status, when it has ended
	out    *bufio.Reader // a server's standard output, until it is announced
	stdout *tail         // and from then on
	stderr *tail
	done   chan struct{} // closed when it has ended
}

// start starts a server with these flags; announced reads its output.
func (ls *labs) start(flags ...string) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	proc, err := ls.run(ls.program, w, flags)
	w.Close() // the program has its own copy of this end
	if err != nil {
		r.Close()
		return nil, err
	}
	proc.out = bufio.NewReader(r)
	return proc, nil
}

// startClient starts a client and collects its output, which is complete when
// the process has ended.
func (ls *labs) startClient(args []string) (*process, *capped, error) {
	stdout := &capped{}
	program := ls.program
	if program.function != nil {
		ctx, cancel := context.WithCancel(ls.ctx)
		proc := &process{end: cancel, stderr: &tail{gaps: ls.unwritten}, done: make(chan struct{})}
		go func() {
			defer close(proc.done)
			proc.status = program.function(ctx, args, stdout, proc.stderr)
		}()
		return proc, stdout, nil
	}
	if program.Foreign {
		program, args = program.fill("{host}", args[0], "{port}", args[1], "{file}", args[2], "{root}", ls.site.dir), nil
	}
	proc, err := ls.run(program, stdout, args)
	return proc, stdout, err
}

// capped keeps the first bytes that are written to it, more of them than any
// right client prints where a check reads them.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	const most = 16 << 20
	c.Buffer.Write(p[:min(len(p), most-c.Len())])
	return len(p), nil
}

// run runs the program in a process group of its own.
func (ls *labs) run(p Program, stdout io.Writer, flags []string) (*process, error) {
	args := slices.Concat(p.Args, flags)
	proc := &process{cmd: exec.CommandContext(ls.ctx, args[0], args[1:]...), stdout: &tail{}, stderr: &tail{gaps: ls.unwritten}, done: make(chan struct{})}
	if p.Foreign {
		proc.cmd.Dir = ls.site.dir
	}
	// A program built with Go's race detector would sleep for a second at its end.
	proc.cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), p.Env...)
	proc.cmd.Stdout, proc.cmd.Stderr = stdout, proc.stderr
	proc.cmd.Cancel = func() error { return launch.KillGroup(proc.cmd) }
	proc.end = func() { launch.KillGroup(proc.cmd) } // fails when it has ended by itself
	proc.cmd.WaitDelay = time.Second                 // something that it started may hold the pipes open
	launch.OwnGroup(proc.cmd)
	if p.Confine != nil {
		p.Confine(proc.cmd)
	}
	if err := proc.cmd.Start(); err != nil {
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) {
			return nil, fmt.Errorf("cannot start another process, those of this program use up what there is: %w", err)
		}
		own := strings.Contains(args[0], "/") // a program of the submission's, which may not be there
		if ls.ctx.Err() != nil || p.Foreign && own && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
			return nil, fmt.Errorf("cannot start %s: %w", args[0], err)
		}
		return nil, fmt.Errorf("%w: cannot start %s: %w", kit.ErrTrouble, args[0], err)
	}
	go func() {
		proc.cmd.Wait() // the status is in ProcessState
		proc.status = proc.cmd.ProcessState.ExitCode()
		close(proc.done)
	}()
	return proc, nil
}

// kill ends the process and what it has started, and waits until it is gone.
func (p *process) kill() {
	p.end()
	<-p.done
}

// signal asks the process to stop. Windows knows no such signal.
func (p *process) signal(s os.Signal) error {
	if runtime.GOOS == "windows" {
		return notHere("Windows has no signal that asks a program to stop; press Ctrl-C by hand")
	}
	return p.cmd.Process.Signal(s)
}

// wait waits for the process to end by itself and returns its exit status.
func (p *process) wait(d time.Duration) (int, error) {
	select { // what has happened counts, however little time there is
	case <-p.done:
		return p.status, nil
	default:
	}
	select {
	case <-p.done:
		return p.status, nil
	case <-time.After(d):
		return 0, fmt.Errorf("the program had not ended after %v", d)
	}
}

// announced waits for the line in which a server says where it listens and
// what it serves.
func (p *process) announced() (addr, dir string, err error) {
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := p.out.ReadSlice('\n') // a line longer than the buffer is none of a server's
		got <- line{string(text), err}
		io.Copy(p.stdout, p.out) // so that it never blocks on a full pipe
	}()
	select {
	case l := <-got:
		addr, dir, ok := launch.Announced(l.text)
		if !ok {
			return "", "", verdict.Failf("not-announced", "standard output began with %q\n%s", l.text, p.stderr)
		}
		return addr, dir, nil
	case <-time.After(exchange.Patience):
		return "", "", verdict.Failf("not-announced", "nothing on standard output for %v\n%s", exchange.Patience, p.stderr)
	}
}

// tail keeps the last bytes that are written to it, and the first report of
// the race detector, if the program was built with it. It looks for steps that
// are not written.
type tail struct {
	mu    sync.Mutex
	kept  []byte
	race  []byte
	gaps  *gaps      // may be nil
	panic *[2]string // the last one: its text, and where it was
	line  []byte     // not ended yet
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := bytes.Index(p, []byte("WARNING: DATA RACE")); at >= 0 && t.race == nil {
		t.race = bytes.Clone(p[at:min(len(p), at+most)])
	}
	if t.gaps != nil {
		t.line = append(t.line, p...)
		if end := bytes.LastIndexByte(t.line, '\n') + 1; end > 0 || len(t.line) > most {
			for line := range strings.Lines(string(t.line[:end])) {
				t.gaps.find(line)
				if p := panicIn(line); p != nil {
					t.panic = p
				}
			}
			t.line = append(t.line[:0], t.line[end:]...)
			t.line = t.line[:min(len(t.line), most)]
		}
	}
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - most; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// raced returns the report of the race detector, once.
func (t *tail) raced() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	report := string(t.race)
	t.race = nil
	return report
}

// panicked returns what the last panic said, and where it was, once.
func (t *tail) panicked() (text, where string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.panic != nil {
		text, where = t.panic[0], t.panic[1]
		t.panic = nil
	}
	return text, where
}

var (
	panicLine  = regexp.MustCompile(`(?:msg=|"msg":")panic"?.*?error"?[=:]"((?:[^"\\]|\\.)*)"`)
	panicWhere = regexp.MustCompile(`panic\(.*?[/\\]([a-z0-9_]+[/\\][A-Za-z0-9_]+\.go:\d+)`)
)

// panicIn finds a panic with its stack in a line of a server's log.
func panicIn(line string) *[2]string {
	m := panicLine.FindStringSubmatch(line)
	if m == nil || !strings.Contains(line, "stack") {
		return nil
	}
	where := "its log"
	if at := panicWhere.FindStringSubmatch(ownFrames(line)); at != nil {
		where = at[1]
	}
	return &[2]string{m[1], where}
}

// ownFrames is a stack without the frames of Go's runtime.
func ownFrames(line string) string {
	if i := strings.LastIndex(line, "/runtime/panic.go"); i >= 0 {
		return "panic(" + line[i+len("/runtime/panic.go"):]
	}
	return line
}

// labs are the programs under test, one for each set of flags: they are
// started when a check first asks for them.
type labs struct {
	ctx       context.Context
	program   Program
	site      *site
	seed      uint64
	unwritten *gaps
	reached   atomic.Bool // a server has accepted a connection
	mu        sync.Mutex
	running   map[string]*lab // by turn
}

// A lab is what a check works with.
type lab struct {
	*labs
	addr   string // of the server; "" when there is none
	proc   *process
	seeded bool // random has been called

	restart func() error // of a foreign program
	begun   time.Time    // when it was started
	tried   time.Time    // when that was first tried, if its port was not free
}

func openLabs(ctx context.Context, program Program, seed uint64) (*labs, error) {
	if err := intact(); err != nil {
		return nil, fmt.Errorf("%w: %w", kit.ErrTrouble, err)
	}
	site, err := layOut(program)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kit.ErrTrouble, err)
	}
	unwritten := &gaps{texts: map[string]string{}}
	return &labs{ctx: ctx, program: program, site: site, seed: seed, unwritten: unwritten, running: map[string]*lab{}}, nil
}

// programs is how many programs with the same flags share a step's checks.
func (ls *labs) programs() int {
	if ls.program.Foreign && !slices.ContainsFunc(ls.program.Args, func(arg string) bool { return strings.Contains(arg, "{port}") }) {
		return 1 // there is but one port
	}
	return 4
}

// random is a source that the seed begins anew for each check.
func (l *lab) random() *rand.Rand {
	l.seeded = true
	return rand.New(rand.NewPCG(l.seed, 0))
}

func (ls *labs) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.running {
		if l.proc != nil {
			l.proc.kill()
		}
	}
	ls.site.remove()
}

// noServer among the flags means that a check starts the program itself.
const noServer = "no server"

// take returns the server that runs for this turn. One that has died is
// started again: that costs the check which saw it, not those after it.
func (ls *labs) take(turn string, flags []string) (*lab, error) {
	if ls.program.Foreign && len(flags) > 0 && !(ls.program.client() && slices.Contains(flags, noServer)) {
		return nil, notHere("this program has none of the kit's flags")
	}
	if slices.Contains(flags, noServer) {
		return &lab{labs: ls}, nil
	}
	ls.mu.Lock()
	l := ls.running[turn]
	ls.mu.Unlock()
	if l != nil && l.ended(0) == "" {
		return l, nil
	}
	l, err := ls.serve(flags...)
	if err != nil {
		return nil, err
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.running[turn] = l
	return l, nil
}

// drop ends the server that runs for this turn.
func (ls *labs) drop(turn string) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.running[turn]; l != nil && l.proc != nil {
		l.proc.kill()
	}
}

// serve starts a server on a free port.
func (ls *labs) serve(flags ...string) (*lab, error) {
	if ls.program.serve != nil {
		return ls.program.serve(ls, flags)
	}
	return ls.serveProgram(flags...)
}

func (ls *labs) serveProgram(flags ...string) (*lab, error) {
	if ls.program.Foreign {
		return ls.serveForeign()
	}
	all := append([]string{"-addr", "127.0.0.1:0", "-root", ls.site.dir}, flags...)
	proc, err := ls.start(all...)
	if err != nil {
		return nil, err
	}
	addr, _, err := proc.announced()
	if err == nil {
		if _, _, bad := net.SplitHostPort(addr); bad != nil {
			err = verdict.Failf("not-announced", "the program says that it listens on %q: %v", addr, bad)
		}
	}
	if err != nil {
		proc.kill()
		return nil, err
	}
	return &lab{labs: ls, addr: addr, proc: proc}, nil
}

// ended says how the program ended, or "" if it runs and goes on to. Where
// nobody listens on its port any more, it is about to end, and is waited for:
// on a busy machine the end of its connections is seen long before its own.
func (l *lab) ended(within time.Duration) string {
	if l.proc == nil {
		return ""
	}
	_, err := l.proc.wait(within)
	if err != nil && l.restart == nil && !l.listens() { // a foreign program may not listen yet
		_, err = l.proc.wait(exchange.Patience)
	}
	if err != nil {
		return ""
	}
	return fmt.Sprintf("the program has ended: %v\n%s", l.proc.cmd.ProcessState, l.proc.stderr)
}

// listens reports whether somebody has the port of a server. A connection would
// tell as well, but the server would see it, and may not be ready for one that
// says nothing.
func (l *lab) listens() bool {
	ln, err := net.Listen("tcp", l.addr)
	if err != nil {
		return true
	}
	ln.Close() // nobody has connected to it
	return false
}
