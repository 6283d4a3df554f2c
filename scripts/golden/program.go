package golden

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"
)

// patience is how long a check waits for something that a right program does
// at once. Only a wrong one makes anybody wait for it.
const patience = 5 * time.Second

// A Program is how a stage is started; flags are appended to Args.
type Program struct {
	Args []string // the program and its first arguments
	Env  []string // added to the environment, such as "WEBLAB_STAGE=1"
}

// A process is a program that runs.
type process struct {
	cmd    *exec.Cmd
	out    *bufio.Reader // a server's standard output, until it is announced
	stdout *tail         // and from then on
	stderr *tail
	done   chan struct{} // closed when it has ended
}

// start starts a server with these flags; announced reads its output.
func (p Program) start(ctx context.Context, flags ...string) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	proc, err := p.run(ctx, w, flags)
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
func (p Program) startClient(ctx context.Context, args []string) (*process, *bytes.Buffer, error) {
	var stdout bytes.Buffer
	proc, err := p.run(ctx, &stdout, args)
	return proc, &stdout, err
}

// run runs the program in a process group of its own.
func (p Program) run(ctx context.Context, stdout io.Writer, flags []string) (*process, error) {
	args := slices.Concat(p.Args, flags)
	proc := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...), stdout: &tail{}, stderr: &tail{}, done: make(chan struct{})}
	// A program built with Go's race detector would sleep for a second at its end.
	proc.cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), p.Env...)
	proc.cmd.Stdout, proc.cmd.Stderr = stdout, proc.stderr
	proc.cmd.Cancel = func() error { return killGroup(proc.cmd) }
	proc.cmd.WaitDelay = time.Second // something that it started may hold the pipes open
	ownGroup(proc.cmd)
	if err := proc.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", args[0], err)
	}
	go func() {
		proc.cmd.Wait() // the status is in ProcessState
		close(proc.done)
	}()
	return proc, nil
}

// kill ends the process and what it has started, and waits until it is gone.
func (p *process) kill() {
	killGroup(p.cmd) // fails when it has ended by itself
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
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(d):
		return 0, fmt.Errorf("the program had not ended after %v", d)
	}
}

var servesLine = regexp.MustCompile(`^http://(\S+)/ serves (.+)\r?\n$`)

// announced waits for the line in which a server says where it listens and
// what it serves.
func (p *process) announced() (addr, dir string, err error) {
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := p.out.ReadString('\n')
		got <- line{text, err}
		io.Copy(p.stdout, p.out) // so that it never blocks on a full pipe
	}()
	const why = "the first line on standard output says where the server listens: http://HOST:PORT/ serves DIR"
	select {
	case l := <-got:
		m := servesLine.FindStringSubmatch(l.text)
		if m == nil {
			return "", "", failf(why, "standard output began with %q\n%s", l.text, p.stderr)
		}
		return m[1], m[2], nil
	case <-time.After(patience):
		return "", "", failf(why, "nothing on standard output for %v\n%s", patience, p.stderr)
	}
}

// tail keeps the last bytes that are written to it, and the first report of
// the race detector, if the program was built with it.
type tail struct {
	mu   sync.Mutex
	kept []byte
	race []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := bytes.Index(p, []byte("WARNING: DATA RACE")); at >= 0 && t.race == nil {
		t.race = bytes.Clone(p[at:min(len(p), at+most)])
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

// labs are the programs under test, one for each set of flags: they are
// started when a check first asks for them.
type labs struct {
	ctx     context.Context
	program Program
	site    *site
	mu      sync.Mutex
	running map[string]*lab // by turn
}

// A lab is what a check works with.
type lab struct {
	*labs
	addr string // of the server; "" when there is none
	proc *process
}

func openLabs(ctx context.Context, program Program) (*labs, error) {
	if err := intact(); err != nil {
		return nil, err
	}
	site, err := layOut()
	if err != nil {
		return nil, err
	}
	return &labs{ctx: ctx, program: program, site: site, running: map[string]*lab{}}, nil
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
	if l := ls.running[turn]; l != nil {
		l.proc.kill()
	}
}

// serve starts a server on a free port.
func (ls *labs) serve(flags ...string) (*lab, error) {
	all := append([]string{"-addr", "127.0.0.1:0", "-root", ls.site.dir}, flags...)
	proc, err := ls.program.start(ls.ctx, all...)
	if err != nil {
		return nil, err
	}
	addr, _, err := proc.announced()
	if err == nil {
		if _, _, bad := net.SplitHostPort(addr); bad != nil {
			err = fmt.Errorf("the program says that it listens on %q: %w", addr, bad)
		}
	}
	if err != nil {
		proc.kill()
		return nil, err
	}
	return &lab{labs: ls, addr: addr, proc: proc}, nil
}

// ended says how the program ended, or "" if it runs and goes on to.
func (l *lab) ended(within time.Duration) string {
	if l.proc == nil {
		return ""
	}
	select {
	case <-l.proc.done:
		return fmt.Sprintf("the program has ended: %v\n%s", l.proc.cmd.ProcessState, l.proc.stderr)
	case <-time.After(within):
		return ""
	}
}
