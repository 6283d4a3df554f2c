package launch

import (
	"os/exec"
	"strconv"
)

// OwnGroup does nothing: KillGroup follows the tree of processes instead.
func OwnGroup(*exec.Cmd) {}

// KillGroup ends a program and what it has started. It fails if they have already
// ended.
func KillGroup(cmd *exec.Cmd) error {
	return exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
}

// Detach does nothing: on Windows, the command that opens a page ends at once.
func Detach(*exec.Cmd) {}
