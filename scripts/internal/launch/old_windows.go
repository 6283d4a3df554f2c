package launch

import (
	"os/exec"
	"strconv"
)

// KillGroup ends a program, and where Windows can tell what it has started, that, too.
// New code uses Command and Kill.
func KillGroup(cmd *exec.Cmd) error {
	exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() // may fail
	return cmd.Process.Kill()
}

// OwnGroup does nothing: KillGroup follows the tree of processes instead.
func OwnGroup(*exec.Cmd) {}
