//go:build kit && linux

// Package hostile tries to break the stages from outside:
//
//	a bad client (client.visit) -> a stage -> what came back (reply), what the process holds (/proc)
//	stage3-client -> a bad server (hostileServer) -> what was printed, the exit status, memory
//	TestSoak: clients of every sort at once -> stages with the race detector -> the same, for a long time
//
// It has only tests, for Linux, which tells what a process holds. The promises of
// .github/SECURITY.md, and the tests that try to break them:
//
//	no byte outside of -root, no hidden name        TestEscape..., TestSwap, TestSwapRoot
//	one answer for one request                      TestRequestPairs, TestEscapeSpellings, TestSoak
//	a redirect leads here, a log without injection  TestEscapeSpellings, TestEscapeNames, TestLogInjection
//	-head-timeout, -stall                           TestCrowds, TestSoak
//	little memory for each client                   TestCrowds, TestTenThousandIdle
//	-max-conns, the others wait in the queue        TestCrowds; golden's case max-conns
//	no more bytes than announced, a cut is noticed  TestFilesLarge, TestFilesSmall
//	Ctrl-C and SIGTERM, answers have 5 s to end     TestRestart; golden's cases of step 2.3
//	what a server can do to the client              TestClient...
package hostile

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// patience is how long a test waits for something that should come at once.
const patience = 10 * time.Second

// seed makes the spellings and changes. A failure shows it.
const seed = 20260807

// programs are the stages, built once for all tests.
var programs = map[int]string{}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		flag.Set("test.parallel", "8") // parallel tests mostly wait, so that two processors are enough for more of them
		dir, err := os.MkdirTemp("", "weblab-hostile-")
		if err == nil {
			defer os.RemoveAll(dir)
			os.Setenv("GORACE", "atexit_sleep_ms=0") // otherwise a server with the race detector sleeps for a second before it ends
			os.Setenv("WEBLAB_PROBES", dir)          // read by testdata/probe.go
			err = buildStages(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func buildStages(dir string) error {
	root, err := kit.Find()
	if err != nil {
		return err
	}
	var builds errgroup.Group
	for folder, stage := range kit.Stages {
		program := filepath.Join(dir, folder)
		programs[stage] = program
		builds.Go(func() error { return kit.Build(context.Background(), root, folder, program, false) })
	}
	return builds.Wait()
}

// watch opens the stages' files. The go command notes which files a test opens. If
// one of them has changed, it runs the test again, and does not use its cache. It
// does not note the files that another go command opens to build a stage.
var watch = sync.OnceValue(func() error {
	root, err := kit.Find()
	for folder := range kit.Stages {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(root, folder), func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				_, err = os.ReadFile(name)
			}
			return err
		}))
	}
	return err
})

// A server is a stage that runs.
type server struct {
	*launch.Server
	log  *launch.Tail
	rest int // its descriptors before the first client
}

// start starts a stage on a free port, with flags that are separated by spaces. It ends
// with the test.
func start(t *testing.T, stage int, root, flags string) *server {
	t.Helper()
	must(t, watch())
	args := append([]string{"-addr", "127.0.0.1:0", "-root", root}, strings.Fields(flags)...)
	s := &server{log: &launch.Tail{Most: 1 << 30}} // all of it
	var err error
	if s.Server, err = launch.Serve(context.Background(), s.log, programs[stage], args...); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	t.Cleanup(func() { must(t, s.Stop()) })
	s.rest = descriptors(s.Process.Pid)
	return s
}

// said is how often the server's log has a text.
func (s *server) said(text string) int { return strings.Count(s.log.String(), text) }

// checkHeld checks what the server holds after many clients: at most so much memory, in
// MB, at its peak, and no descriptor of a client who has left.
func (s *server) checkHeld(t *testing.T, most float64) {
	t.Helper()
	peak, err := launch.PeakMemory(s.Process.Pid)
	must(t, err)
	if mb := float64(peak) / (1 << 20); mb > most {
		t.Errorf("it took %.1f MB of memory, and at most %.0f are allowed", mb, most)
	}
	waitFor(t, "its descriptors to be those of the beginning", func() bool { return descriptors(s.Process.Pid) == s.rest })
}

// descriptors is how many files, connections among them, a process has open; -1 if it has
// ended.
func descriptors(pid int) int {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return -1
	}
	return len(files)
}

// both runs a test on stage 1 and on stage 2.
func both(t *testing.T, f func(t *testing.T, stage int)) {
	for stage := 1; stage <= 2; stage++ {
		t.Run(fmt.Sprintf("stage %d", stage), func(t *testing.T) { f(t, stage) })
	}
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// waitFor waits for something that should happen soon, also on a very busy machine.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	const long = 3 * patience
	for deadline := time.Now().Add(long); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %v in vain for %s", long, what)
		}
	}
}

const (
	page   = "太棒了，服务器正常工作！" // 36 bytes
	answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 36\r\n\r\n" + page
)

var (
	request   = get("/HelloWorld.html").String()
	persisted = strings.Replace(answer, "Connection: close\r\n", "", 1) // the answer if the connection stays open
)

const hugeSize = 100 << 20 // bytes

// site is a folder to serve, with the page in it, and a file of 100 MB. That takes no
// room on the disk, because nothing was written to it.
func site(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	plant(t, dir, "HelloWorld.html", page)
	plant(t, dir, "huge.bin", "")
	must(t, os.Truncate(filepath.Join(dir, "huge.bin"), hugeSize))
	return dir
}

// plant makes a file, and the folders that it is in.
func plant(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), 0o644))
}

// secretMark is in every secret, again and again, and nowhere else.
const secretMark = "\x1d\x1e"

// secret is the text of a file that nobody may read: 128 bytes, which say its name.
func secret(name string) string { return strings.Repeat(secretMark+name+" ", 128)[:128] }

// plantAll makes files with the text that each name has.
func plantAll(t *testing.T, dir string, text func(name string) string, names ...string) {
	t.Helper()
	for _, name := range names {
		plant(t, dir, name, text(name))
	}
}

// symlink makes a symbolic link, and the folders that it is in.
func symlink(t *testing.T, to, dir, name string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
	must(t, os.Symlink(to, filepath.Join(dir, name)))
}
