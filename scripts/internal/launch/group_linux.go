package launch

import (
	"os/exec"
	"syscall"
)

// OwnGroup puts a program into a process group of its own, so that what it
// starts can be ended with it. If this process is killed, so is the program.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
