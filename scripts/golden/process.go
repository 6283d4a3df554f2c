package golden

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// A process is a program that runs.
type process struct {
	*launch.Cmd
	stdout *launch.Tail // of a server: what came behind its first line
	stderr *tail
}

// startServer starts a server with these flags, and waits for the line in which it says
// where it listens and what it serves.
func (s *session) startServer(flags ...string) (proc *process, addr, dir string, err error) {
	proc = s.prepare(s.program, &launch.Tail{}, flags)
	addr, dir, err = proc.StartServer(3 * exchange.Patience)
	var silent *launch.NotAnnounced
	switch {
	case errors.As(err, &silent) && silent.Waited > 0 && silent.Line == "":
		err = verdict.Failf("not-announced", "nothing on standard output for %v\n%s", silent.Waited, proc.stderr)
	case errors.As(err, &silent):
		err = verdict.Failf("not-announced", "standard output began with %q\n%s", silent.Line, proc.stderr)
	default:
		err = s.started(err, proc)
	}
	return proc, addr, dir, err
}

// startClient starts a client and collects its output, which is complete when
// the process has ended.
func (s *session) startClient(args []string) (*process, *launch.Tail, error) {
	const most = 16 << 20 // more than any right client prints where a check reads it
	stdout := &launch.Tail{Most: most}
	program := s.program
	var answers []string // of one that asks
	if program.Foreign {
		answers = args[:3]
		program, args = program.fill("{host}", args[0], "{port}", args[1], "{file}", args[2], "{root}", s.site.dir), nil
	}
	proc, err := s.run(s.prepare(program, stdout, args), answers...)
	return proc, stdout, err
}

// prepare makes a process of the program, which has not started yet.
func (s *session) prepare(p Program, stdout *launch.Tail, flags []string) *process {
	args := slices.Concat(p.Args, flags)
	proc := &process{Cmd: launch.Command(s.ctx, args[0], args[1:]...), stdout: stdout, stderr: &tail{gaps: s.unwritten}}
	if p.Foreign {
		proc.Dir = s.site.dir
	}
	// A program built with Go's race detector would sleep for a second at its end.
	proc.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), p.Env...)
	proc.Stdout, proc.Stderr = stdout, proc.stderr
	if p.Confine != nil {
		p.Confine(proc.Cmd.Cmd)
	}
	return proc
}

// run starts a process that was prepared. answers are to what it may ask for.
func (s *session) run(proc *process, answers ...string) (*process, error) {
	start := proc.Start
	if len(answers) > 0 {
		start = func() error { return proc.StartAsked(answers...) }
	}
	if err := s.started(start(), proc); err != nil {
		return nil, err
	}
	return proc, nil
}

// started says what it means that a program did not start: whose fault it is.
func (s *session) started(err error, proc *process) error {
	name := proc.Args[0]
	own := s.program.client() && strings.Contains(name, "/") // a client is optional, and may not be there
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		return fmt.Errorf("cannot start another process, those of this program use up what there is: %w", err)
	case s.ctx.Err() != nil, s.tried, own && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
		return fmt.Errorf("cannot start %s: %w", name, err)
	}
	return s.program.trouble("cannot start %s: %v.%s", name, err, verdict.Remedy(err.Error()))
}

// signal asks the process to stop. Windows has one way to ask: Ctrl-Break.
func (p *process) signal(s os.Signal) error {
	if runtime.GOOS != "windows" {
		return p.Process.Signal(s)
	}
	err := p.AskToStop()
	if errors.Is(err, errors.ErrUnsupported) {
		return notHere(err.Error()) // there is no console
	}
	return err
}
