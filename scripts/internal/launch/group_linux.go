package launch

import (
	"os/exec"
	"syscall"
)

// OwnGroup puts a program into a process group of its own, so that KillGroup also
// ends what it starts. If this process is killed, the system kills the program, too.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
