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
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
)

// A program in any language takes part beside the stages. It knows none of their flags, does
// not say where it listens, and has no log.

const (
	maxPrograms = 4
	programTime = 15 * time.Second // for a program to listen, and to send a page and its objects
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
	program := strings.Fields(p.command)[0]
	_, noProgram := exec.LookPath(program)
	switch {
	case noDir != nil:
		return fmt.Errorf("-dir: %w", noDir)
	case !info.IsDir():
		return fmt.Errorf("-dir: %s is no folder", p.dir)
	case p.addr != "" && noAddr != nil:
		return fmt.Errorf("-with-addr is host:port, such as localhost:6789, not %q", p.addr)
	case p.addr == "" && unsupported != nil && !strings.Contains(p.command, "{port}"):
		return fmt.Errorf("where does %q listen? Say it with {port} in -with, or with -with-addr: %w", p.command, unsupported)
	case noProgram != nil && !strings.ContainsAny(program, `/\`): // else it is in its folder
		return fmt.Errorf("-with: %w", noProgram)
	}
	return nil
}

// start starts the program of a trial, and waits until it listens, where the system tells.
// Where it does not, whoever connects has to try again.
func (p *contestant) start(t *trial) error {
	t.command = p.command
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	words := strings.Fields(p.command)
	for i, word := range words {
		words[i] = strings.NewReplacer("{port}", port, "{root}", p.files).Replace(word)
	}
	cmd := launch.Command(t.life, words[0], words[1:]...)
	cmd.Dir, cmd.Stderr = p.files, &t.stderr
	in, err := cmd.StdinPipe() // for a program that asks: the port, and no end of the input
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot be started: %w", err)
	}
	io.WriteString(in, port+"\n") // fails if it has ended, which is found out below
	t.server = &launch.Server{Cmd: cmd, Addr: cmp.Or(p.addr, net.JoinHostPort("localhost", port))}
	for ; ; time.Sleep(exchange.Pause) { // no system tells when it happens
		at, unsupported := launch.Listening(cmd.Process.Pid)
		_, running := cmd.Wait(0)
		switch {
		case running == nil && t.life.Err() == nil:
			return fmt.Errorf("has ended (%v) before it listened", cmd.ProcessState)
		case unsupported != nil:
			return nil
		case len(at) > 0:
			t.listens, t.server.Addr = true, cmp.Or(p.addr, reach(at, port))
			return nil
		case t.life.Err() != nil:
			return errors.Join(fmt.Errorf("did not listen within %v", programTime), cmd.Kill())
		}
	}
}

// reach is the address at which a program is reached: with the port that it was given, if it
// listens there.
func reach(at []netip.AddrPort, port string) string {
	addr := at[max(0, slices.IndexFunc(at, func(a netip.AddrPort) bool { return strconv.Itoa(int(a.Port())) == port }))]
	if addr.Addr().IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(int(addr.Port())))
	}
	return addr.String()
}

// end says how a program has ended, or "" if it runs.
func (t *trial) end() string {
	_, runs := t.server.Wait(0)
	switch {
	case errors.Is(t.life.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("was ended after %v", programTime)
	case runs != nil:
		return ""
	}
	return fmt.Sprintf("has ended (%v)", t.server.ProcessState)
}

// trouble says what went wrong with a program, or "". It is asked before the program is stopped.
func (t *trial) trouble(timings []timing) string {
	what := t.missing(timings)
	if what != "" {
		t.server.Wait(exchange.AMoment) // its connections may be seen to end before it is
	}
	if end := t.end(); what != "" && end != "" {
		what += ", and " + end
	} else {
		what += end
	}
	if what == "" {
		return ""
	}
	return t.fault(what).Error()
}
