package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/term"
)

// A program in any language takes part beside the stages. It knows none of their flags, does
// not say where it listens, and has no log.

const (
	maxPrograms = 4
	startTime   = 15 * time.Second // for a program to listen
	programTime = 10 * time.Second // for it to send a page and all its objects
)

// A Contestant is a server that -with names.
type contestant struct {
	command string
	dir     string // its folder
	addr    string // host:port where it listens, if it has no {port} and the system does not tell
	files   string // a copy of the folder, with the files of the experiments
}

// programFlags adds the flags that name programs. -dir and -with-addr say more about the
// -with before them.
func programFlags(flags *flag.FlagSet, all *[]*contestant) {
	flags.Func("with", "`command` that starts one more server, in any language, such as 'python3 WebServer.py {port}'; {port} and {root}, its folder, are replaced; up to four times", func(command string) error {
		switch {
		case len(strings.Fields(command)) == 0:
			return errors.New("it is empty")
		case len(*all) == maxPrograms:
			return fmt.Errorf("there are %d already", maxPrograms)
		}
		*all = append(*all, &contestant{command: command, dir: "."})
		return nil
	})
	last := func(set func(*contestant, string)) func(string) error {
		return func(value string) error {
			if len(*all) == 0 {
				return errors.New("it belongs behind a -with")
			}
			set((*all)[len(*all)-1], value)
			return nil
		}
	}
	flags.Func("dir", "`folder` of the -with before it: a copy of it is where the program runs (default: this folder)", last(func(p *contestant, dir string) { p.dir = dir }))
	flags.Func("with-addr", "`host:port` where the -with before it listens, if it has no {port}; Linux finds this out", last(func(p *contestant, addr string) { p.addr = addr }))
}

// check looks for what is wrong before anything runs.
func (p *contestant) check() error {
	_, unsupported := launch.Listening(os.Getpid())
	info, noDir := os.Stat(p.dir)
	_, _, noAddr := net.SplitHostPort(p.addr)
	switch {
	case noDir != nil:
		return fmt.Errorf("-dir: %w", noDir)
	case !info.IsDir():
		return fmt.Errorf("-dir: %s is no folder", p.dir)
	case p.addr != "" && noAddr != nil:
		return fmt.Errorf("-with-addr is host:port, such as localhost:6789, not %q", p.addr)
	case p.addr == "" && unsupported != nil && !strings.Contains(p.command, "{port}"):
		return fmt.Errorf("where does %q listen? Say it with {port} in -with, or with -with-addr: %w", p.command, unsupported)
	}
	return nil
}

// layOut copies the folder, and the files of the experiments beside its own. It returns the
// names of those that were too large.
func (p *contestant) layOut(to string) (left []string, err error) {
	p.files = to
	if left, err = kit.CopyFiles(to, p.dir, func(string) bool { return true }); err != nil {
		return nil, err
	}
	return left, writeSite(to)
}

// start starts the program, and waits until it listens, where the system tells. Where it does
// not, whoever connects has to try again.
func (p *contestant) start(ctx context.Context, stderr io.Writer) (s *launch.Server, told bool, err error) {
	port, err := freePort()
	if err != nil {
		return nil, false, err
	}
	words := strings.Fields(p.command)
	for i, word := range words {
		words[i] = strings.NewReplacer("{port}", port, "{root}", p.files).Replace(word)
	}
	cmd := launch.Command(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Stderr = p.files, stderr
	in, err := cmd.StdinPipe() // for a program that asks: the port, and no end of the input
	if err != nil {
		return nil, false, err
	}
	if err := cmd.Start(); err != nil {
		return nil, false, fmt.Errorf("it cannot be started: %w", err)
	}
	io.WriteString(in, port+"\n") // fails if it has ended, which is found out below
	s = &launch.Server{Cmd: cmd, Addr: cmp.Or(p.addr, net.JoinHostPort("localhost", port))}
	for begin := time.Now(); ; time.Sleep(exchange.Pause) { // no system tells when it happens
		at, unsupported := launch.Listening(cmd.Process.Pid)
		_, running := cmd.Wait(0)
		switch {
		case running == nil:
			return nil, false, fmt.Errorf("it has ended (%v) before it listened", cmd.ProcessState)
		case unsupported != nil:
			return s, false, nil
		case len(at) > 0:
			s.Addr = cmp.Or(p.addr, reach(at, port))
			return s, true, nil
		case time.Since(begin) > startTime, ctx.Err() != nil:
			return nil, false, errors.Join(fmt.Errorf("it did not listen within %v", startTime), cmd.Kill())
		}
	}
}

// reach is the address at which a program is reached: with the port that it was given, if it
// listens there.
func reach(at []netip.AddrPort, port string) string {
	i := slices.IndexFunc(at, func(a netip.AddrPort) bool { return strconv.Itoa(int(a.Port())) == port })
	addr := at[max(i, 0)]
	if addr.Addr().IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(int(addr.Port())))
	}
	return addr.String()
}

// freePort is a port that nobody uses now.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), nil
}

// beginProgram starts the program of a trial.
func (c *comparison) beginProgram(t *trial) (err error) {
	p := c.programs[t.Program-1]
	t.command = p.command
	life, cancel := context.WithCancel(c.ctx)
	t.server, t.listens, err = p.start(life, &t.stderr)
	if err != nil {
		cancel()
		return t.fault(err.Error())
	}
	t.begun = time.Now()
	late := time.AfterFunc(programTime, func() {
		t.late.Store(true)
		cancel()
	})
	c.busy.Go(func() {
		<-t.server.Done()
		late.Stop()
		cancel()
	})
	return nil
}

// end says how a program has ended, or "" if it runs.
func (t *trial) end() string {
	if t.server == nil {
		return ""
	}
	if _, err := t.server.Wait(0); t.late.Load() {
		return fmt.Sprintf("it was ended after %v", programTime)
	} else if err != nil {
		return ""
	}
	return fmt.Sprintf("it has ended (%v)", t.server.ProcessState)
}

// trouble says what went wrong with a program, or "". It is asked before the program is stopped.
func (t *trial) trouble(timings []timing) string {
	what := t.missing(timings)
	if what != "" { // its connections may be seen to end before it is
		t.server.Wait(exchange.AMoment)
	}
	if end := t.end(); end != "" {
		what = strings.TrimPrefix(what+"; "+end, "; ")
	}
	if what == "" {
		return ""
	}
	return t.fault(what).Error()
}

// programFault is the error of a program that did not do its part, with the end of its
// standard error.
func (t *trial) programFault(what string) error {
	said := strings.TrimSpace(term.Visible(t.stderr.String()))
	if said == "" {
		return fmt.Errorf("%s (%s): %s. It wrote nothing to its standard error", t.name(), t.command, what)
	}
	return fmt.Errorf("%s (%s): %s. The end of its standard error:\n%s", t.name(), t.command, what, said)
}

// everyone is the settings for each stage and each program.
func (c *comparison) everyone(s settings) (all []settings) {
	for s.Stage = 1; s.Stage <= 2; s.Stage++ {
		all = append(all, s)
	}
	s.Stage = 0
	for s.Program = 1; s.Program <= len(c.programs); s.Program++ {
		all = append(all, s)
	}
	return all
}

// layOutPrograms makes the folders in which the programs run. notCopied gets the names
// of files that are too large to be copied.
func (c *comparison) layOutPrograms(notCopied func(dir string, names []string)) error {
	for i, p := range c.programs {
		left, err := p.layOut(filepath.Join(c.temp, fmt.Sprintf("program-%d", i+1)))
		if err != nil {
			return err
		}
		if len(left) > 0 {
			notCopied(p.dir, left)
		}
	}
	return nil
}
