// Package launch starts programs, and ends them together with everything that they
// started. No wait in it is without a bound.
//
//	Command -> Start -> a group of its own: program, and what it starts
//	Kill, or the end of ctx -> group -> all of them end -> Done
//	Serve: a server of the kit -> first line of standard output -> Server.Addr
//	Foreign.Start: one in any language, with a free port -> where it listens -> Foreign.Addr
package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	killTime  = 5 * time.Second // for all of a killed group to be gone
	groupTime = 2 * time.Second // of this: for what the program has left behind
	pipeTime  = time.Second     // for whoever holds the output of an ended program open
)

// A Cmd is a program that is about to start, or runs. Its fields are those of exec.Cmd.
// What it started ends when it does: it leaves nothing behind, unless that has made
// itself independent (setsid on Unix).
type Cmd struct {
	*exec.Cmd
	ctx   context.Context
	group group
	done  chan struct{}
	err   error // as exec.Cmd's Wait returned it
	left  error // what could not be ended
}

// Command prepares a program. It ends at the latest when ctx is done, or when this
// process ends (not everywhere on Unix: only Linux can do that). SysProcAttr is set:
// add to it, and do not replace it.
func Command(ctx context.Context, name string, args ...string) *Cmd {
	c := &Cmd{Cmd: exec.CommandContext(ctx, name, args...), ctx: ctx, done: make(chan struct{})}
	c.SysProcAttr = ownGroup()
	c.WaitDelay = pipeTime
	c.Cancel = c.end
	return c
}

// Start starts the program in a group of its own.
func (c *Cmd) Start() error {
	if err := c.group.open(); err != nil {
		return fmt.Errorf("a group for %s: %w", c.name(), err)
	}
	if err := c.Cmd.Start(); err != nil {
		c.group.close()
		return err
	}
	// From here on the program can be killed, also one that could not join its group.
	err := c.group.join(c.Process)
	if err != nil {
		c.Process.Kill()
	}
	go func() {
		c.err = c.Cmd.Wait()
		c.left = c.group.sweep(c.Process)
		c.group.close()
		close(c.done)
	}()
	if err != nil {
		return fmt.Errorf("%s joins its group: %w", c.name(), err)
	}
	return nil
}

// Done is closed when the program, and what it started, has ended. Its output is
// complete then.
func (c *Cmd) Done() <-chan struct{} { return c.done }

// ExitStatus is the exit status of a program that has ended (look at Done first), or -1
// if a signal ended it.
func (c *Cmd) ExitStatus() int { return c.ProcessState.ExitCode() }

// Wait waits up to d for the program to end by itself, and returns its exit status.
func (c *Cmd) Wait(d time.Duration) (status int, err error) {
	select { // what has happened counts, however little time there is
	case <-c.done:
		return c.ExitStatus(), nil
	default:
	}
	select {
	case <-c.done:
		return c.ExitStatus(), nil
	case <-time.After(d):
		return 0, fmt.Errorf("the program had not ended after %v", d)
	}
}

// Run starts the program, and waits for it until ctx is done.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	select {
	case <-c.done:
		return c.err
	case <-c.ctx.Done():
	}
	if err := c.Kill(); err != nil {
		return err // its own result is not known
	}
	return c.err
}

// Output is Run, and returns what the program wrote to standard output.
func (c *Cmd) Output() ([]byte, error) {
	var out bytes.Buffer
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// CombinedOutput is Output, with standard error in it.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}

// Kill ends the program and what it started, and waits until they are gone: at most
// 5 s, after which its error says what still runs. It may be called at any time, also
// again.
func (c *Cmd) Kill() error {
	if c.Process == nil {
		return nil // it was never started
	}
	failed := c.end()
	select {
	case <-c.done:
		return c.left
	case <-time.After(killTime):
		return fmt.Errorf("%s (process %d) still ran %v after it was killed (%v)", c.name(), c.Process.Pid, killTime, failed)
	}
}

// end kills the group. That fails where nobody is left in it, or where the system
// refuses. So end always kills the program itself, too.
func (c *Cmd) end() error {
	select {
	case <-c.done: // others may have its number by now
		return os.ErrProcessDone
	default:
	}
	group := c.group.kill(c.Process)
	self := c.Process.Kill()
	if group == nil || self == nil || errors.Is(self, os.ErrProcessDone) {
		return nil
	}
	return errors.Join(group, self)
}

// AskToStop asks the program to stop, as Ctrl-C does. On Unix it gets SIGTERM, on Windows
// Ctrl-Break, which Go programs see as os.Interrupt. Where that cannot be sent, the error
// is an errors.ErrUnsupported.
func (c *Cmd) AskToStop() error { return askToStop(c.Process) }

// sweep ends what a program that has ended left behind.
func (g *group) sweep(p *os.Process) error {
	g.kill(p) // fails where nobody is left
	end := time.Now().Add(groupTime)
	for {
		left := g.left(p)
		if left == "" {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("what process %d started still ran %v after it was killed: %s", p.Pid, groupTime, left)
		}
		time.Sleep(time.Millisecond) // no system tells when a group is empty
	}
}

func (c *Cmd) name() string { return filepath.Base(c.Path) }
