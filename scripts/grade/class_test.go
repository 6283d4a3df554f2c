//go:build kit

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weblab.example/scripts/internal/kit"
)

// A kind is how well a submission is made: the kit's stages, or the student's
// copy of them, with one mistake.
type kind struct {
	name     string
	open     bool // nothing is written yet
	both     bool // stage 2 is handed in, too
	file     string
	was, is  string // in that file
	one, two string // for stage 1 and 2: the points, the first check that does not pass, and its diagnosis
}

const (
	request  = "stage1-single/http1/request.go"
	response = "stage1-single/http1/response.go"
	protocol = "stage1-single/http1/protocol.go"
	conn     = "stage1-single/rig/conn.go"
	write    = "stage1-single/rig/write.go"
)

var kinds = []kind{
	{name: "all right", one: "145", two: "35", both: true},
	{name: "nothing written", one: "0 accepts-again not-written", two: "0 last-is-first not-written", open: true, both: true},
	{name: "wrong phrase", one: "13 sample-page wrong-phrase", two: "0", file: response, was: `404: "Not Found"`, is: `404: "Not found"`},
	{name: "counts characters", one: "9 well-formed length-counts-characters", two: "0", file: response,
		was: "ContentLength: int64(len(body))", is: "ContentLength: int64(len([]rune(string(body))))"},
	{name: "one byte too few", one: "9 well-formed length-wrong", two: "0", file: response, was: "ContentLength: int64(len(body))", is: "ContentLength: int64(len(body) - 1)"},
	{name: "ends at a 404", one: "48 favicon died", two: "0", file: response,
		was: "func statusPage(status int, why string) *Response {",
		is:  "func statusPage(status int, why string) *Response {\n\tif status == 404 {\n\t\tos.Exit(3)\n\t}\n\t"},
	{name: "panics at a 405", one: "115 method-put panicked", two: "0", file: protocol, was: "resp.Allow = ", is: "resp = nil\n\t\tresp.Allow = "},
	{name: "no goroutine", one: "145", two: "6 last-is-first serial", both: true, file: "stage2-concurrent/main.go", was: "go http1.Serve(conn, site)", is: "http1.Serve(conn, site)"},
	{name: "reads once", one: "21 waits-for-the-head answers-early", two: "0", file: request, was: `strings.HasSuffix(soFar, "\n\r\n") || strings.HasSuffix(soFar, "\n\n")`, is: `soFar != ""`},
	{name: "waits for ever", one: "141 preconnect-silent no-head-timeout", two: "0", file: conn, was: "c.tcp.SetReadDeadline(time.Now().Add(patience))", is: "error(nil)"},
	{name: "closes at once", one: "125 garbage-after reset", two: "0", file: write, was: "c.listener.Linger <= 0", is: "c.listener.Linger >= 0"},
	{name: "never persists", one: "134 keep-alive-in-turn persistence", two: "0", file: protocol, was: "case req.Minor >= 1:\n\t\treturn \"\"", is: "case req.Minor >= 1:\n\t\treturn \"close\""},
	{name: "does not build", one: "0 accepts-again", two: "0", file: response, was: "package http1", is: "package http1\n\nvar unused string = 1"},
}

// lay makes a submission of this kind in a folder.
func (k kind) lay(t *testing.T, solved, open, dir string) {
	t.Helper()
	from := solved
	if k.open {
		from = open
	}
	for _, folder := range []string{kit.Folder(1), kit.Folder(2)} {
		if folder == kit.Folder(2) && !k.both {
			continue // it would take time, and say no more
		}
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(from, folder))); err != nil {
			t.Fatal(err)
		}
	}
	if k.file == "" {
		return
	}
	file := filepath.Join(dir, filepath.FromSlash(k.file))
	text, err := os.ReadFile(file)
	if n := strings.Count(string(text), k.was); err != nil || n != 1 {
		t.Fatalf("%s: %q is %d times in %s (%v)", k.name, k.was, n, k.file, err)
	}
	put(t, file, strings.Replace(string(text), k.was, k.is, 1))
}

// check looks whether a kind gets its points, and fails where it should.
func (k kind) check(t *testing.T, s *submission, report string) {
	t.Helper()
	for i, want := range []string{k.one, k.two} {
		r := s.Stages[i]
		got := fmt.Sprint(r.Points)
		if c := s.first(r, wanting); c != nil && r.State != notSubmitted {
			got = strings.TrimSpace(fmt.Sprint(r.Points, " ", c.Name, " ", c.Diagnosis))
		}
		t.Logf("%-24s stage %d in %4.1f s: %s, %s", k.name, r.Stage, s.Seconds, r.State, got)
		if got != want {
			t.Errorf("%s, stage %d: %s; want %s\n%s", k.name, r.Stage, got, want, report)
		}
	}
}

// TestClass grades a class of right and wrong submissions, among them all attacks. The
// right and wrong ones get exactly the points that they have earned, and the attackers
// none. Nothing is changed or left behind.
func TestClass(t *testing.T) {
	confined, open := canConfine(t), filepath.Join(openDir(t), "open")
	p := newPlace(t)
	if out, err := exec.Command("go", "run", filepath.Join(p.root, "scripts", "handout"), "-o", open).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, k := range kinds {
		k.lay(t, p.root, open, filepath.Join(p.class, k.name))
	}
	server := listen(t)
	var tried []attack
	for _, a := range attacks {
		if a.linux && !confined {
			t.Logf("not tried on this system, which cannot stop it: %s", a.name)
		} else if err := a.lay(t, p, server); err != nil {
			t.Logf("not tried on this system: %s: %v", a.name, err)
		} else {
			tried = append(tried, a)
		}
	}
	found, report := gradeClass(t, someFailed, p.class, "-stages", "1,2", "-j", "6")
	for _, k := range kinds {
		k.check(t, found[k.name], report(k.name))
	}
	for _, a := range tried {
		s, text := found[a.name], report(a.name)
		earned := s.Stages[0].Points + s.Stages[1].Points
		if earned != 0 || !strings.Contains(strings.Join(strings.Fields(text), " "), a.says) || a.not != "" && strings.Contains(text, a.not) {
			t.Errorf("%s earned %d points; want %q and not %q in its report:\n%s", a.name, earned, a.says, a.not, text)
		}
		t.Logf("%-24s %3d points in %4.1f s: %s", a.name, earned, s.Seconds, s.Stages[0].State)
	}
	p.untouched(t)
}

// An oddFolder is a submission that is no trouble, or whose trouble is told of in clear words.
type oddFolder struct {
	name  string
	solve bool // it has the kit's stage 1
	make  func(dir string) error
	state string
	says  string // in its report
}

func oddFolders(t *testing.T, class string) []oddFolder {
	long := strings.Repeat("n", 252) // with .go 255 bytes
	deep := strings.Repeat("d/", 200) + "x.txt"
	mkfifo := func(name string) error { return exec.Command("mkfifo", name).Run() }
	return []oddFolder{
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
			return errors.Join(err, mkfifo(filepath.Join(dir, "stage1-single", "fifo.go")), mkfifo(filepath.Join(dir, "go.mod")))
		}, state: graded, says: "left out, as links, huge, or no files: stage1-single/fifo.go, stage1-single/socket.go"},
		{name: "stage is a pipe", make: func(dir string) error { return mkfifo(filepath.Join(dir, "stage1-single")) }, state: notSubmitted, says: "stage1-single is no folder, and was left out"},
		{name: "many files", solve: true, make: func(dir string) error {
			for i := range 10_000 {
				put(t, filepath.Join(dir, "stage1-single", "www", "many", fmt.Sprint(i)), "")
			}
			return nil
		}, state: graded},
		{name: "deep", solve: true, make: func(dir string) error {
			put(t, filepath.Join(dir, "stage1-single", deep), "")
			put(t, filepath.Join(dir, "stage1-single", "www", deep), "")
			return nil
		}, state: graded},
		{name: "long names", solve: true, make: func(dir string) error {
			put(t, filepath.Join(dir, "stage1-single", "www", long+".go"), "")
			put(t, filepath.Join(dir, "stage1-single", long+".go"), "package main\n")
			return nil
		}, state: graded},
		{name: long + "xyz", solve: true, state: graded},
		{name: "unreadable", make: func(dir string) error {
			err := os.Chmod(dir, 0)
			t.Cleanup(func() { os.Chmod(dir, 0o755) }) // or it could not be removed
			if _, readErr := os.ReadDir(dir); readErr == nil {
				return errors.New("this user may read every folder")
			}
			return err
		}, state: notGraded, says: "permission denied"},
	}
}

// TestOddFolders grades a class of them: those that have a stage which builds are graded.
func TestOddFolders(t *testing.T) {
	p := newPlace(t)
	cases := oddFolders(t, p.class)
	for i, c := range cases {
		dir := filepath.Join(p.class, c.name)
		err := os.Mkdir(dir, 0o755)
		if c.solve {
			err = errors.Join(err, os.CopyFS(filepath.Join(dir, "stage1-single"), os.DirFS(filepath.Join(p.root, "stage1-single"))))
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.make != nil {
			if err := c.make(dir); err != nil {
				t.Logf("%s: not tried on this system: %v", c.name, err)
				cases[i].state = ""
			}
		}
	}
	found, report := gradeClass(t, trouble, p.class, "-stages", "1", "-only", "accepts-again", "-j", "6") // not all can be graded
	if len(found) != len(cases) {
		t.Errorf("%d submissions of %d", len(found), len(cases))
	}
	for _, c := range cases {
		if s := found[c.name]; c.state != "" {
			said := strings.Join(append(s.remarks("en"), s.Trouble), "\n")
			if r := s.Stages[0]; r.State != c.state || (r.Points > 0) != (c.state == graded) || !strings.Contains(said, c.says) || report(c.name) == "" {
				t.Errorf("%.40s: %s with %d points, %q; want %s, %q", c.name, r.State, r.Points, said, c.state, c.says)
			}
		}
	}
	p.untouched(t)
}
