package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// On Linux a worker lives in user, PID, and mount namespaces of its own, under
// an id that owns nothing outside: it sees no other process, everything is
// read-only for it but a file system in memory of limited size, what others hand
// in is hidden, and when it is killed, the kernel kills all that it has started.
// The checks run in it, and talk to the programs over its own loopback; those in
// other languages share everybody's.
//
// Its programs are one user namespace deeper: there they have no rights over
// the worker, over its mounts, or to become another user.

const (
	workSize     = 256 << 20 // bytes that a submission can write
	maxData      = 1 << 30   // bytes of memory of one process
	maxProcesses = 1024      // and threads, of one submission
	firstID      = 200_000   // of submissions, when the grader is root; they need no name
	nobody       = 65534
)

// protect sets how a worker is started. Root uses an id without rights,
// anybody else their own.
func protect(cmd *exec.Cmd, j job, i int, ownID bool) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	uid, gid := os.Getuid(), os.Getgid()
	if isRoot() && !ownID {
		uid, gid = firstID+i, firstID+i
	}
	switch j.Protection {
	case inNamespaces:
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
		if j.Network {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
		}
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 0, Gid: 0, NoSetGroups: true}
	case withoutRights:
		if uid != os.Getuid() {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			// Nobody else may look into it.
			return errors.Join(os.Chmod(j.Own, 0o700), os.Chown(j.Own, uid, gid), os.Chown(j.Work, uid, gid))
		}
	}
	return nil
}

func isRoot() bool { return os.Getuid() == 0 }

// confineProgram takes a program's rights from it, before it starts.
func confineProgram(cmd *exec.Cmd) {
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: 0, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: 0, Size: 1}}
}

// enterWork is called by a worker in its namespaces: it hides what others have
// and makes everything read-only but the directory for work. It returns what
// could not be had.
func (j job) enterWork() (missing []string) {
	try := func(what string, err error) {
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", what, err))
		}
	}
	try("mounts of their own", syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	try("the work of others hidden", j.hide())
	// Without a /proc of its own, /proc would tell of other processes.
	proc := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, "")
	if proc != nil {
		try("a /proc of their own, for measuring memory", proc)
		syscall.Mount("tmpfs", "/proc", "tmpfs", syscall.MS_RDONLY, "") // if that fails, too, memory is measured wrong at worst
	}
	tmpfs := syscall.Mount("tmpfs", j.Work, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,nr_inodes=20000,mode=0755", workSize))
	try("a limit on what they write in all", tmpfs)
	err := setMount("/", atRecursive, mountAttr{set: mountReadOnly})
	if err == nil && tmpfs == nil {
		err = setMount(j.Work, 0, mountAttr{clear: mountReadOnly})
	}
	if err == nil && proc == nil { // to start a program in a namespace of its own takes writing there
		err = setMount("/proc", 0, mountAttr{clear: mountReadOnly})
	}
	try("read-only files around them", err)
	try("a working directory", os.Chdir(j.Work)) // the one below the mount is another
	if j.Network {
		try("a network of their own", loopbackUp())
	}
	return missing
}

// hide puts an empty directory over each in which others' work is. One's own is
// put back to where it was: it is reached through an open file meanwhile.
func (j job) hide() error {
	own, err := os.Open(j.Own)
	if err != nil {
		return err
	}
	defer own.Close()
	for _, dir := range j.Hide {
		if _, err := os.Stat(dir); err != nil {
			continue // inside of one that is hidden already
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "size=1m,mode=0755"); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	if err := os.MkdirAll(j.Own, 0o755); err != nil {
		return err
	}
	return syscall.Mount(fmt.Sprintf("/proc/self/fd/%d", own.Fd()), j.Own, "", syscall.MS_BIND|syscall.MS_REC, "")
}

// loopbackUp switches on the only interface of a new network namespace
// (netdevice(7)).
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

// limitSelf limits what a worker and its programs can use up. It returns what
// could not be had.
func limitSelf() (missing []string) {
	for _, limit := range []struct {
		what     string
		resource int
		n        uint64
	}{
		{"a limit on memory", syscall.RLIMIT_DATA, maxData},
		{"a limit on processes", rlimitNProc, maxProcesses},
		{"a limit on the size of a file", syscall.RLIMIT_FSIZE, workSize},
		{"no core dumps", syscall.RLIMIT_CORE, 0},
	} {
		if err := syscall.Setrlimit(limit.resource, &syscall.Rlimit{Cur: limit.n, Max: limit.n}); err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", limit.what, err))
		}
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		missing = append(missing, fmt.Sprintf("no way to more rights (%v)", errno))
	}
	return missing
}

// What package syscall does not know of Linux (mount_setattr(2), prctl(2)).
const (
	sysMountSetattr = 442 // on every architecture
	atFDCWD         = -100
	atRecursive     = 0x8000
	mountReadOnly   = 1
	rlimitNProc     = 6
	prSetNoNewPrivs = 38
)

type mountAttr struct{ set, clear, propagation, userns uint64 }

func setMount(dir string, flags uintptr, attr mountAttr) error {
	name, err := syscall.BytePtrFromString(dir)
	if err != nil {
		return err
	}
	at := atFDCWD
	_, _, errno := syscall.Syscall6(sysMountSetattr, uintptr(at), uintptr(unsafe.Pointer(name)), flags, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// ownID reports whether the programs of -cmd have to run under the grader's
// own id, because it is root and nobody else may start them.
func (g *grader) ownID() bool {
	if !isRoot() {
		return false
	}
	for _, command := range []string{g.command, g.clientCommand} {
		if words := strings.Fields(command); len(words) > 0 && !forAll(words[0]) {
			return true
		}
	}
	return false
}

// forAll reports whether everybody may start a program. Of those with its name
// in PATH the first that they may start counts.
func forAll(program string) bool {
	if strings.Contains(program, "/") {
		return !filepath.IsAbs(program) || open(program)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if open(filepath.Join(dir, program)) {
			return true
		}
	}
	return false
}

// open reports whether everybody may execute a file, and enter the directories
// above it.
func open(name string) bool {
	resolved, err := filepath.EvalSymlinks(name)
	if err != nil {
		return false
	}
	for _, path := range []string{name, resolved} {
		for ; path != "/"; path = filepath.Dir(path) {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o001 == 0 {
				return false
			}
		}
	}
	return true
}
