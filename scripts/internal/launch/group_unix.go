//go:build unix

package launch

import (
	"os"
	"os/exec"
	"syscall"
)

// A group is a process group. Its number is that of the program, which is its first
// member.
type group struct{}

func (*group) open() error              { return nil }
func (*group) join(*os.Process) error   { return nil } // the program did so before it began
func (*group) close()                   {}
func (*group) kill(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }

// askToStop does not ask the group: what a server has started is the server's to stop.
func askToStop(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// Detach puts a program into a process group of its own. Ctrl-C in the terminal does
// not reach it there, so it goes on when this process ends.
func Detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
