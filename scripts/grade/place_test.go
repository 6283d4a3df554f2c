//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/internal/kit"
)

// gradeClass grades a folder of submissions. It returns them by name, and their reports.
func gradeClass(t *testing.T, want int, class string, args ...string) (found map[string]*submission, report func(name string) string) {
	t.Helper()
	reports := filepath.Join(class, ".reports") // no submission: its name begins with a dot
	found = gradeJSON(t, want, append(args, "-out", reports, class)...)
	return found, func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(reports, fileName(name)+".txt"))
		if err != nil || found[name] == nil {
			t.Fatalf("%s was not graded: %v", name, err)
		}
		return string(text)
	}
}

// gradeJSON runs the grader, and returns the submissions by name.
func gradeJSON(t *testing.T, want int, args ...string) map[string]*submission {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(append([]string{"-format", "json"}, args...), &stdout, &stderr)
	var sheet struct{ Submissions []*submission }
	if err := json.Unmarshal(stdout.Bytes(), &sheet); err != nil || status != want {
		t.Fatalf("status %d, want %d: %v\n%s\n%.2000s", status, want, err, stderr.String(), stdout.String())
	}
	found := map[string]*submission{}
	for _, s := range sheet.Submissions {
		found[s.Name] = s
	}
	return found
}

// listen listens on a free port until the test is over, and says where.
func listen(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// A place is where a class is graded and what is around it: all that an attack could change, or
// leave behind.
type place struct {
	root, class, near, temp string // the kit; the submissions; a file of the user's; for everything temporary
	mounts, tree            string
}

// newPlace makes directories that everybody may write to: their rights alone protect nothing.
// From now on everything uses temp, the compiler too, so what is left there is seen.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{root: findKit(t), class: openDir(t), near: openDir(t), temp: openDir(t)}
	t.Setenv("TMPDIR", p.temp)
	t.Setenv("TMP", p.temp)
	put(t, filepath.Join(p.near, "canary"), "alive")
	os.Chmod(filepath.Join(p.near, "canary"), 0o666)
	p.mounts, p.tree = mounts(), treeOf(t, p.root)
	return p
}

func findKit(t *testing.T) string {
	t.Helper()
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weblab-open-")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// untouched checks that a grading has changed nothing, and left nothing behind.
func (p *place) untouched(t *testing.T) {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(p.near, "canary")); err != nil || string(text) != "alive" {
		t.Errorf("the canary is %q, %v", text, err)
	}
	if diff := cmp.Diff(strings.Split(p.tree, "\n"), strings.Split(treeOf(t, p.root), "\n")); diff != "" {
		t.Errorf("files of the kit have changed, -before +after:\n%s", diff)
	}
	if mounts() != p.mounts {
		t.Error("a mount is left behind")
	}
	for _, pattern := range []string{p.temp + "/*", p.near + "/*", "/tmp/weblab-attack-*", "/dev/shm/weblab-attack-*"} {
		names, _ := filepath.Glob(pattern) // the pattern is a good one
		for _, name := range names {
			if filepath.Base(name) != "canary" {
				t.Error("left behind: ", name)
			}
		}
	}
	running := p.running()
	for end := time.Now().Add(5 * time.Second); running != "" && time.Now().Before(end); running = p.running() {
		time.Sleep(50 * time.Millisecond)
	}
	if running != "" {
		t.Error("still running: ", running)
	}
}

// mounts lists the file systems that are mounted, where /proc tells: only Linux has it.
func mounts() string {
	text, _ := os.ReadFile("/proc/self/mounts")
	return string(text)
}

// running lists the processes of a grading that go on, where /proc tells: their program is
// in its temporary directory, whatever name they have given themselves.
func (p *place) running() (running string) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		line, _ := os.ReadFile(name) // it may have ended meanwhile
		program, _ := os.Readlink(filepath.Join(filepath.Dir(name), "exe"))
		if bytes.Contains(line, []byte("weblab-attack-stays")) || bytes.Contains(line, []byte(p.temp)) || strings.HasPrefix(program, p.temp) {
			running += fmt.Sprintf("%s %q\n", name, line)
		}
	}
	return running
}

// treeOf lists the files of the kit that the checks are made of, with their
// sizes and times.
func treeOf(t *testing.T, root string) string {
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "scripts"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, infoErr := d.Info()
			if err = infoErr; err == nil {
				fmt.Fprintln(&b, name, info.Size(), info.ModTime())
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// canConfine reports whether a worker gets namespaces here.
func canConfine(t *testing.T) bool {
	g := &grader{temp: openDir(t), stderr: &bytes.Buffer{}}
	if err := g.prepareWorkers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g.protection == inNamespaces
}
