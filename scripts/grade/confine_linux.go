package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"
)

// On Linux a worker lives in user, PID, mount, and network namespaces of its own, under an id
// that owns nothing outside. It sees no other process, and when it is killed, the
// kernel kills all that it has started. The checks run in it, and talk to the programs
// over its own loopback. keepFrom lists what else it is kept from.
//
// Its programs are one user namespace deeper: there they have no rights over
// the worker, over its mounts, or to become another user.

// self is this program. Its name leads through no directory, so ids that may not enter
// that of the program may start it, too.
const self = "/proc/self/exe"

const (
	workSize     = 256 << 20 // bytes that a submission can write
	maxData      = 1 << 30   // bytes of memory of one process
	maxProcesses = 1024      // and threads, of one submission
	firstID      = 200_000   // of submissions, when the grader is root; they need no name
	nobody       = 65534
)

// keepFrom takes from a worker, and so from its programs, what they do not need. It
// returns what could not be had.
func (j job) keepFrom() (missing []string) {
	var proc, disk error
	for _, p := range []struct {
		what       string
		namespaces bool // it takes those
		do         func() error
	}{
		{"a limit on memory", false, func() error { return limit(syscall.RLIMIT_DATA, maxData) }},
		{"a limit on processes", false, func() error { return limit(rlimitNProc, maxProcesses) }},
		{"a limit on the size of a file", false, func() error { return limit(syscall.RLIMIT_FSIZE, workSize) }},
		{"no core dumps", false, func() error { return limit(syscall.RLIMIT_CORE, 0) }},
		{"no way to more rights", false, noNewRights},
		{"mounts of their own", true, func() error { return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "") }},
		{"the work of others hidden", true, j.hide},
		{"a /proc of their own, for measuring memory", true, func() error {
			if proc = mount("proc", "/proc", syscall.MS_NOEXEC, ""); proc != nil {
				mount("tmpfs", "/proc", syscall.MS_RDONLY, "") // that of others must not be seen; memory is measured wrong at worst
			}
			return proc
		}},
		{"a limit on what they write in all", true, func() error {
			disk = mount("tmpfs", j.work(), 0, fmt.Sprintf("size=%d,nr_inodes=20000,mode=0755", workSize))
			return disk
		}},
		{"a network of their own", true, loopbackUp},
		{"every port of it", true, j.anywhere(everyPort)},
		{"every address of it", true, j.anywhere(everyAddress)},
		{"every name of a host in it", true, j.anywhere(j.everyName)},
		{"read-only files around them", true, func() error {
			err := setMount("/", atRecursive, mountAttr{set: mountReadOnly})
			if err == nil && disk == nil {
				err = setMount(j.work(), 0, mountAttr{clear: mountReadOnly})
			}
			if err == nil && proc == nil { // to start a program in a namespace of its own takes writing there
				err = setMount("/proc", 0, mountAttr{clear: mountReadOnly})
			}
			return err
		}},
		{"a working directory", true, func() error { return os.Chdir(j.work()) }}, // the one below the mount is another
	} {
		if p.namespaces && j.Protection != inNamespaces {
			continue
		}
		if err := p.do(); err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", p.what, err))
		}
	}
	return missing
}

// protect sets how a worker is started. Root uses an id without rights,
// anybody else their own.
func protect(cmd *exec.Cmd, j job, i int, ownID bool) error {
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 && !ownID {
		uid, gid = firstID+i, firstID+i
	}
	switch j.Protection {
	case inNamespaces:
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 0, Gid: 0, NoSetGroups: true}
	case withoutRights:
		if uid != os.Getuid() {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			// Nobody else may look into it.
			return errors.Join(os.Chmod(j.Own, 0o700), os.Chown(j.Own, uid, gid), os.Chown(j.work(), uid, gid))
		}
	}
	return nil
}

// confineProgram takes a program's rights from it, before it starts.
func confineProgram(cmd *exec.Cmd) {
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: 0, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: 0, Size: 1}}
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
		if err := mount("tmpfs", dir, 0, "size=1m,mode=0755"); err != nil {
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
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	return orNil(errno)
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
	return orNil(errno)
}

func mount(kind, dir string, flags uintptr, options string) error {
	return syscall.Mount(kind, dir, kind, flags|syscall.MS_NOSUID|syscall.MS_NODEV, options)
}

func limit(resource int, n uint64) error {
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: n})
}

func noNewRights() error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0)
	return orNil(errno)
}

// orNil is an error number as an error: 0 is none.
func orNil(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
