//go:build unix && !linux

package launch

import (
	"os"
	"syscall"
)

// ownGroup starts a program in a process group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// left says that the group has members that can be killed, or is "". The error for a
// group of processes that have all ended is not the same on all systems.
func (*group) left(p *os.Process) string {
	if syscall.Kill(-p.Pid, 0) != nil {
		return ""
	}
	return "a member of its group"
}
