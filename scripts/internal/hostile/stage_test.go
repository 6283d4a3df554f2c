//go:build kit

// Package hostile tries to break the stages from outside. It uses more connections
// than they can serve, slow clients, clients that stop, files that change, stops in
// the middle of an answer, and paths that lead out. It has only tests. Each test
// prints what it tried, and how often.
package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// patience is how long a test waits for something that should come at once.
const patience = 10 * time.Second

// programs are the stages, built once for all tests.
var programs = map[int]string{}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "weblab-hostile-")
		if err == nil {
			defer os.RemoveAll(dir)
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
		program := filepath.Join(dir, folder+".exe") // only Windows needs the ending
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
	log *lockedBuffer
}

// start starts a stage on a free port. It ends with the test.
func start(t *testing.T, stage int, root string, flags ...string) *server {
	t.Helper()
	if err := watch(); err != nil {
		t.Fatal(err)
	}
	s := &server{log: &lockedBuffer{}}
	args := append([]string{"-addr", "127.0.0.1:0", "-root", root}, flags...)
	var err error
	if s.Server, err = launch.Serve(context.Background(), s.log, programs[stage], args...); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	t.Cleanup(func() { must(t, s.Stop()) })
	return s
}

// A lockedBuffer is what a server has logged so far.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	page    = "太棒了，服务器正常工作！" // 36 bytes
	request = "GET /HelloWorld.html HTTP/1.1\r\nHost: localhost\r\n\r\n"
	answer  = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 36\r\n\r\n" + page
)

// site is a folder to serve, with the page in it.
func site(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "HelloWorld.html"), []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
