package launch

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ownGroup starts a program in a process group of its own. If this process is killed,
// the system kills the program, too.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// left names the processes of the group that still run, or is "".
func (*group) left(p *os.Process) string {
	if err := syscall.Kill(-p.Pid, 0); errors.Is(err, syscall.ESRCH) {
		return ""
	}
	return strings.Join(slices.Collect(maps.Values(members(p.Pid))), ", ")
}

// members are the processes of a group that still run: their directories in /proc, and
// their names. Those that have ended stay in the group until their parent asks for their
// status. In a container, or as the first process of a namespace, the parent may never do
// so. They do not count.
func members(group int) map[string]string {
	found := map[string]string{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, _ := os.ReadFile(name) // a process that has ended meanwhile has none
		// The name in brackets may hold spaces. State, parent and group follow it.
		end := bytes.LastIndexByte(stat, ')') + 1
		f := bytes.Fields(stat[end:])
		if len(f) > 2 && string(f[2]) == fmt.Sprint(group) && !bytes.Contains([]byte("ZX"), f[0]) {
			found[filepath.Dir(name)] = string(stat[:end])
		}
	}
	return found
}
