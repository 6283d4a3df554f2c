//go:build kit

package notes

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weblab.example/scripts/internal/launch"
)

const (
	blockTime = 60 * time.Second // for the commands of a block; and for a server to listen, as it may have to be built
	showTime  = 5 * time.Second  // for a terminal to show what a page says that it shows
	stopTime  = 5 * time.Second  // for what was asked to stop
)

// await waits for a condition, and reports whether it came true in time.
func await(within time.Duration, condition func() bool) bool {
	for end := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		if condition() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// A terminal is a bash that runs the commands of a block, and what it prints.
type terminal struct {
	block  *Block
	port   string // of a server: where it listens; of a client: whom it asks
	server *terminal
	output string // a file: so nothing waits for a program that keeps its output open
	cmd    *exec.Cmd
	done   chan struct{} // closed when bash has ended
}

// open starts the commands, in a process group of their own.
func open(dir string, b *Block, commands string) (*terminal, error) {
	out, err := os.CreateTemp(filepath.Dir(dir), "terminal")
	if err != nil {
		return nil, err
	}
	defer out.Close() // bash has its own copy
	term := &terminal{block: b, output: out.Name(), done: make(chan struct{})}
	term.cmd = exec.Command("bash", "-e", "-c", commands)
	term.cmd.Dir = dir
	term.cmd.Env = append(os.Environ(), "PWD="+dir, "LC_ALL=C.UTF-8") // messages in English
	term.cmd.Stdout, term.cmd.Stderr = out, out
	launch.OwnGroup(term.cmd)
	if err := term.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		term.cmd.Wait() // the status is in ProcessState
		close(term.done)
	}()
	return term, nil
}

// shows is what the terminal shows so far.
func (term *terminal) shows() string {
	text, err := os.ReadFile(term.output)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (term *terminal) ended() bool {
	select {
	case <-term.done:
		return true
	default:
		return false
	}
}

// interrupt ends what goes on in a terminal, as Ctrl-C does: every program in
// it gets SIGINT. What goes on all the same is killed.
func (term *terminal) interrupt() {
	syscall.Kill(-term.cmd.Process.Pid, syscall.SIGINT) // fails if all have ended
	await(stopTime, term.empty)
	term.kill()
}

func (term *terminal) kill() {
	launch.KillGroup(term.cmd) // fails if all have ended
	await(stopTime, term.empty)
}

// empty reports whether bash and all that it started have ended.
func (term *terminal) empty() bool {
	return term.ended() && syscall.Kill(-term.cmd.Process.Pid, 0) == syscall.ESRCH
}

// listens reports whether somebody listens on a port. It looks into /proc: to
// connect would use up a server that serves one client only, as nc -l does.
func listens(port string) bool {
	n, err := strconv.Atoi(port)
	if err != nil {
		return false
	}
	const listen = "0A" // TCP_LISTEN
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table) // without IPv6 there is no tcp6
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == listen && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) {
				return true
			}
		}
	}
	return false
}

// taken are the ports that a page has been given: pages run beside each other.
var taken = struct {
	sync.Mutex
	next int
}{next: 2000 + os.Getpid()%5000}

// freePorts finds a port for each that a page may name. They are below those
// that the system gives to connections, so that they stay free, and none of
// them is a number that a page has: it would be taken for a port.
func freePorts(t *testing.T, pages []*Page) Ports {
	t.Helper()
	taken.Lock()
	defer taken.Unlock()
	known := map[string]bool{}
	for _, p := range pages {
		for _, n := range number.FindAllString(p.Text, -1) {
			known[n] = true
		}
	}
	ports := Ports{}
	for _, name := range []string{"6788", "6789", "6790", "6791"} {
		for ports[name] == "" {
			if taken.next++; taken.next > 9999 {
				t.Fatal("no free port with four digits")
			}
			port := strconv.Itoa(taken.next)
			ln, err := net.Listen("tcp", ":"+port)
			if err != nil {
				continue
			}
			ln.Close()
			if !known[port] {
				ports[name] = port
			}
		}
	}
	return ports
}

// copyWorkspace lays out the workspace in a folder of the page's own, which
// the page's commands may change, and write beside.
func copyWorkspace(t *testing.T, git bool) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "weblab")
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case rel == ".git" && d.IsDir():
			return filepath.SkipDir
		case rel == ".git": // of a worktree
			return nil
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	if git {
		cmd := exec.Command("bash", "-e", "-c", "git init -q; git add -A; git -c user.name=kit -c user.email=kit@localhost commit -q -m kit")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git: %v\n%s", err, out)
		}
	}
	return dir
}

// tools are programs that not every system has, with the Debian package of
// each. The pages' commands use them.
var tools = map[string]string{
	"curl": "curl", "nc": "netcat-openbsd", "ss": "iproute2", "python3": "python3", "zip": "zip", "unzip": "unzip", "git": "git",
	"tcpdump": "tcpdump", "od": "coreutils", "timeout": "coreutils", "cmp": "diffutils", "diff": "diffutils", "strace": "strace",
	"openssl": "openssl", "nginx": "nginx", "chromium": "chromium", "xxd": "xxd", "jq": "jq", "lsof": "lsof", "wrk": "wrk",
}

var word = regexp.MustCompile(`[a-z0-9]+`)

// findTools fails if a program is missing that the commands of the pages use.
func findTools(t *testing.T, pages []*Page) {
	t.Helper()
	for _, p := range pages {
		for _, b := range p.Blocks {
			if b.Kind != Run && b.Kind != Server && b.Kind != Client {
				continue
			}
			for _, w := range word.FindAllString(b.WithoutComments(), -1) {
				if tools[w] == "" {
					continue
				}
				if _, err := exec.LookPath(w); err != nil {
					t.Errorf("%s:%d needs %s: apt-get install %s", p.Name, b.Line, w, tools[w])
				}
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}
