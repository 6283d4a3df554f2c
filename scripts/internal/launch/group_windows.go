package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"unsafe"
)

// What package syscall does not know of Windows.
var (
	kernel32      = syscall.NewLazyDLL("kernel32.dll")
	createJob     = kernel32.NewProc("CreateJobObjectW")
	setJob        = kernel32.NewProc("SetInformationJobObject")
	queryJob      = kernel32.NewProc("QueryInformationJobObject")
	assignToJob   = kernel32.NewProc("AssignProcessToJobObject")
	terminateJob  = kernel32.NewProc("TerminateJobObject")
	consoleEvent  = kernel32.NewProc("GenerateConsoleCtrlEvent")
	resumeProcess = syscall.NewLazyDLL("ntdll.dll").NewProc("NtResumeProcess")
)

const (
	createSuspended = 0x4
	ctrlBreak       = 1
	accounting      = 1                                         // JobObjectBasicAccountingInformation
	extendedLimit   = 9                                         // JobObjectExtendedLimitInformation
	killOnJobClose  = 0x2000                                    // JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	processAccess   = syscall.PROCESS_TERMINATE | 0x100 | 0x800 // PROCESS_SET_QUOTA, for the job, and PROCESS_SUSPEND_RESUME
)

// jobLimits is JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
type jobLimits struct {
	_          [2]int64 // times
	flags      uint32
	_, _       uintptr // working set
	_          uint32  // number of processes
	_          uintptr // processors
	_, _       uint32  // priorities
	_          [6]uint64
	_, _, _, _ uintptr // memory
}

// jobCounts is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION.
type jobCounts struct {
	_               [4]int64 // times
	_, _, active, _ uint32
}

// A group is a job object. The system kills all processes in it when its last handle is
// closed, and therefore also when this process ends.
type group struct {
	mu  sync.Mutex
	job syscall.Handle // 0 if it is closed
}

// ownGroup starts a program suspended: otherwise it could start another before it is in
// the job. A new console group is what Ctrl-Break can be sent to.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | createSuspended}
}

func (g *group) open() error {
	job, _, err := createJob.Call(0, 0)
	if job == 0 {
		return os.NewSyscallError("CreateJobObject", err)
	}
	limits := jobLimits{flags: killOnJobClose}
	if ok, _, err := setJob.Call(job, extendedLimit, uintptr(unsafe.Pointer(&limits)), unsafe.Sizeof(limits)); ok == 0 {
		syscall.CloseHandle(syscall.Handle(job))
		return os.NewSyscallError("SetInformationJobObject", err)
	}
	g.job = syscall.Handle(job)
	return nil
}

// join puts the program into the job, and lets it run.
func (g *group) join(p *os.Process) error {
	if err := resumeProcess.Find(); err != nil {
		return err
	}
	// No other process can have the number: os.Process holds a handle of this one.
	h, err := syscall.OpenProcess(processAccess, false, uint32(p.Pid))
	if err != nil {
		return os.NewSyscallError("OpenProcess", err)
	}
	defer syscall.CloseHandle(h)
	if ok, _, err := assignToJob.Call(uintptr(g.job), uintptr(h)); ok == 0 {
		return os.NewSyscallError("AssignProcessToJobObject", err)
	}
	if status, _, _ := resumeProcess.Call(uintptr(h)); int32(status) < 0 {
		return fmt.Errorf("NtResumeProcess: status %#x", uint32(status))
	}
	return nil
}

func (g *group) kill(*os.Process) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ok, _, err := terminateJob.Call(uintptr(g.job), 1); ok == 0 {
		return os.NewSyscallError("TerminateJobObject", err)
	}
	return nil
}

// left says how many processes of the job still run, or is "".
func (g *group) left(*os.Process) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var counts jobCounts
	if ok, _, err := queryJob.Call(uintptr(g.job), accounting, uintptr(unsafe.Pointer(&counts)), unsafe.Sizeof(counts), 0); ok == 0 {
		return os.NewSyscallError("QueryInformationJobObject", err).Error()
	}
	if counts.active == 0 {
		return ""
	}
	return fmt.Sprintf("%d processes of its job", counts.active)
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	syscall.CloseHandle(g.job)
	g.job = 0
}

// askToStop fails without a console, as in a service, and in wine.
func askToStop(p *os.Process) error {
	if ok, _, err := consoleEvent.Call(ctrlBreak, uintptr(p.Pid)); ok == 0 {
		return fmt.Errorf("%w: Ctrl-Break cannot be sent: %w", errors.ErrUnsupported, os.NewSyscallError("GenerateConsoleCtrlEvent", err))
	}
	return nil
}

// Detach does nothing: on Windows, the command that opens a page ends at once.
func Detach(*exec.Cmd) {}
