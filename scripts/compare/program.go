package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"weblab.example/scripts/internal/language"
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
	dir     string   // its folder
	addr    string   // host:port where it listens, if it has no {port} and the system does not tell
	words   []string // that start it, as grade's -cmd: with its file run, and {main}, looked up
	remark  string   // that a file was not there, and another one is started
	files   string   // a copy of the folder, with the files of the experiments
}

// programFlags adds the flags that name programs. -dir and -with-addr say more about the
// -with before them.
func programFlags(flags *flag.FlagSet, all *[]*contestant) {
	flags.Func("with", "`command` that starts one more server, in any language, such as 'python3 WebServer.py {port}'; {port}, {root}, its folder, and {main}, its only file that listens, are replaced; if its folder has a file run, the command is the first line of that; up to four times", func(command string) error {
		if len(*all) == maxPrograms {
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
	words, bad := language.ReadRun(p.dir)
	if bad == nil && words == nil {
		words = strings.Fields(p.command)
	}
	if p.words = words; bad == nil {
		p.words, p.remark, bad = language.WithMain(words, p.dir)
	}
	switch {
	case noDir != nil:
		return fmt.Errorf("-dir: %w", noDir)
	case !info.IsDir():
		return fmt.Errorf("-dir: %s is no folder", p.dir)
	case bad == nil && len(words) == 0:
		return fmt.Errorf("-with: it is empty, and %s has no file run", p.dir)
	case bad != nil:
		return fmt.Errorf("-with: %w", bad)
	case p.addr != "" && noAddr != nil:
		return fmt.Errorf("-with-addr is host:port, such as localhost:6789, not %q", p.addr)
	case p.addr == "" && unsupported != nil && !strings.Contains(strings.Join(p.words, " "), "{port}"):
		return fmt.Errorf("where does %q listen? Say it with {port} in -with, or with -with-addr: %w", p.command, unsupported)
	}
	if _, err := exec.LookPath(p.words[0]); err != nil && !strings.ContainsAny(p.words[0], `/\`) { // else it is in its folder
		return fmt.Errorf("-with: %w", err)
	}
	return nil
}

// start starts the program of a trial, and waits until it listens, where the system tells.
// Where it does not, whoever connects has to try again.
func (p *contestant) start(t *trial) error {
	t.command = strings.Join(p.words, " ")
	program := &launch.Foreign{Args: p.words, Root: p.files, Addr: p.addr, Prepare: func(args []string) *launch.Cmd {
		cmd := launch.Command(t.life, args[0], args[1:]...)
		t.stderr = &launch.Tail{}
		cmd.Dir, cmd.Stderr = p.files, t.stderr
		return cmd
	}}
	var silent *launch.NotListening
	if err := program.Start(); errors.As(err, &silent) {
		return err
	} else if err != nil {
		return fmt.Errorf("cannot be started: %w", err)
	}
	t.server, t.listens = &launch.Server{Cmd: program.Cmd, Addr: program.Addr}, program.Listens
	t.freePort = !program.HasPort()
	return nil
}

// end says how a server has ended, or "" if it runs.
func (t *trial) end() string {
	_, runs := t.server.Wait(0)
	switch {
	case errors.Is(t.life.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("was ended by the kit after %v", t.limit)
	case runs != nil:
		return ""
	}
	return fmt.Sprintf("has ended (%v)", t.server.ProcessState)
}
