package launch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ownGroup starts a program in a process group of its own. If this process is killed,
// the system kills the program, too.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// left names the processes of the group that still run, or is "". Those that have ended
// stay in the group until their parent asks for their status. In a container, or as the
// first process of a namespace, the parent may never do so. They do not count.
func (*group) left(p *os.Process) string {
	if err := syscall.Kill(-p.Pid, 0); errors.Is(err, syscall.ESRCH) {
		return ""
	}
	var left []string
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, _ := os.ReadFile(name) // a process that has ended meanwhile has none
		// The name in brackets may hold spaces. State, parent and group follow it.
		f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(f) > 2 && string(f[2]) == fmt.Sprint(p.Pid) && !bytes.Contains([]byte("ZX"), f[0]) {
			left = append(left, string(stat[:bytes.LastIndexByte(stat, ')')+1]))
		}
	}
	return strings.Join(left, ", ")
}
