//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

// TestOddFolders grades a class of odd folders: each is told of in clear words,
// and those that have a stage which builds are graded.
func TestOddFolders(t *testing.T) {
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	class := openDir(t)
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	empty := func(names ...string) {
		t.Helper()
		for _, name := range names {
			must(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, nil, 0o644))
		}
	}
	long := strings.Repeat("n", 252) // with .go 255 bytes
	cases := []struct {
		name  string
		solve bool // it has the kit's stage 1
		make  func(dir string) error
		state string
		says  string // in its report
	}{
		{name: "empty", state: notSubmitted},
		{name: "link", make: func(dir string) error {
			return errors.Join(os.Remove(dir), os.Symlink(filepath.Join(class, "solved"), dir))
		}, state: notGraded, says: "it is a link: if that is right, grade the folder to which it leads"},
		{name: "solved", solve: true, state: graded},
		{name: "no files", solve: true, make: func(dir string) error {
			ln, err := net.Listen("unix", filepath.Join(dir, "stage1-single", "socket.go"))
			if err == nil {
				ln.(*net.UnixListener).SetUnlinkOnClose(false)
				ln.Close()
			}
			return errors.Join(err, makeFIFO(filepath.Join(dir, "stage1-single", "fifo.go")), makeFIFO(filepath.Join(dir, "go.mod")))
		}, state: graded, says: "left out, as links, huge, or no files: stage1-single/fifo.go, stage1-single/socket.go"},
		{name: "stage is a pipe", make: func(dir string) error { return makeFIFO(filepath.Join(dir, "stage1-single")) }, state: notSubmitted, says: "stage1-single is no folder, and was left out"},
		{name: "many files", solve: true, make: func(dir string) error {
			for i := range 10_000 {
				empty(filepath.Join(dir, "stage1-single", "www", "many", fmt.Sprint(i)))
			}
			return nil
		}, state: graded},
		{name: "deep", solve: true, make: func(dir string) error {
			empty(filepath.Join(dir, "stage1-single", strings.Repeat("d/", 200), "x.txt"), filepath.Join(dir, "stage1-single", "www", strings.Repeat("d/", 200), "x.txt"))
			return nil
		}, state: graded},
		{name: "long names", solve: true, make: func(dir string) error {
			empty(filepath.Join(dir, "stage1-single", "www", long+".go"))
			return os.WriteFile(filepath.Join(dir, "stage1-single", long+".go"), []byte("package main\n"), 0o644)
		}, state: graded},
		{name: long + "xyz", solve: true, state: graded},
		{name: "unreadable", make: func(dir string) error {
			must(os.Chmod(dir, 0))
			t.Cleanup(func() { os.Chmod(dir, 0o755) }) // or it could not be removed
			if _, err := os.ReadDir(dir); err == nil {
				return errors.New("this user may read every folder")
			}
			return nil
		}, state: notGraded, says: "permission denied"},
	}
	made := 0
	for i, c := range cases {
		dir := filepath.Join(class, c.name)
		must(os.MkdirAll(dir, 0o755))
		if c.solve {
			must(os.CopyFS(filepath.Join(dir, "stage1-single"), os.DirFS(filepath.Join(root, "stage1-single"))))
		}
		if c.make != nil {
			if err := c.make(dir); err != nil {
				t.Logf("%s: not tried on this system: %v", c.name, err)
				cases[i].state, cases[i].says = "", ""
				continue
			}
		}
		made++
	}
	var stdout, stderr bytes.Buffer
	reports := filepath.Join(class, ".reports")
	if status := run([]string{"-format", "json", "-stages", "1", "-only", "accepts-again", "-j", "4", "-out", reports, class}, &stdout, &stderr); status != trouble {
		t.Errorf("status %d, want %d: not all could be graded", status, trouble)
	}
	var sheet struct{ Submissions []*submission }
	must(json.Unmarshal(stdout.Bytes(), &sheet))
	if len(sheet.Submissions) != len(cases) {
		t.Errorf("%d submissions of %d:\n%s", len(sheet.Submissions), len(cases), stderr.String())
	}
	found := map[string]*submission{}
	for _, s := range sheet.Submissions {
		found[s.Name] = s
	}
	for _, c := range cases {
		s := found[c.name]
		switch {
		case c.state == "":
			continue
		case s == nil:
			t.Errorf("%.40s is not in the sheet", c.name)
			continue
		}
		said := strings.Join(append(s.remarks(), s.Trouble), "\n")
		if r := s.Stages[0]; r.State != c.state || (r.Points > 0) != (c.state == graded) || !strings.Contains(said, c.says) {
			t.Errorf("%.40s: %s with %d points, %q; want %s, %q", c.name, r.State, r.Points, said, c.state, c.says)
		}
		if _, err := os.Stat(filepath.Join(reports, fileName(c.name)+".txt")); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d of %d odd folders could be made here, %d are in the sheet", made, len(cases), len(sheet.Submissions))
}

// TestFolderGone: what cannot be read is no empty submission, which would be a
// zero.
func TestFolderGone(t *testing.T) {
	g := &grader{temp: t.TempDir(), level: golden.Strict, stages: []int{1}, folders: []string{filepath.Join(t.TempDir(), "gone")}}
	s := g.submissions()[0]
	g.gradeOne(t.Context(), 0, s)
	if s.Trouble == "" || s.Stages[0].State != notGraded {
		t.Errorf("%s, %q", s.Stages[0].State, s.Trouble)
	}
}
