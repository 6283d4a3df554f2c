//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

// A kind is how well a submission is made: the kit's stages, or the student's
// copy of them, with one mistake.
type kind struct {
	name     string
	copies   int  // of the forty-seven
	open     bool // nothing is written yet
	both     bool // stage 2 is handed in, too
	file     string
	was, is  string    // in that file
	fails    [2]string // the first check that stages 1 and 2 do not pass; "" when all do, or there is no stage
	diagnose [2]string // and what is said of it
}

const (
	request  = "stage1-single/http1/request.go"
	response = "stage1-single/http1/response.go"
	protocol = "stage1-single/http1/protocol.go"
	conn     = "stage1-single/rig/conn.go"
	write    = "stage1-single/rig/write.go"
)

var kinds = []kind{
	{name: "all right", copies: 6, both: true},
	{name: "nothing written", copies: 4, open: true, both: true,
		fails: [2]string{"accepts-again", "accepts-again"}, diagnose: [2]string{"not-written", ""}},
	{name: "wrong phrase", copies: 5, file: response, was: `404: "Not Found"`, is: `404: "Not found"`,
		fails: [2]string{"sample-page"}, diagnose: [2]string{"wrong-phrase"}},
	{name: "counts characters", copies: 4, file: response, was: "ContentLength: int64(len(body))", is: "ContentLength: int64(len([]rune(string(body))))",
		fails: [2]string{"well-formed"}, diagnose: [2]string{"length-counts-characters"}},
	{name: "one byte too few", copies: 3, file: response, was: "ContentLength: int64(len(body))", is: "ContentLength: int64(len(body) - 1)",
		fails: [2]string{"well-formed"}, diagnose: [2]string{"length-wrong"}},
	{name: "ends at a 404", copies: 3, file: response, was: "func statusPage(status int, why string) *Response {", is: "func statusPage(status int, why string) *Response {\n\tif status == 404 {\n\t\tos.Exit(3)\n\t}\n\t",
		fails: [2]string{"favicon"}, diagnose: [2]string{"died"}},
	{name: "panics at a 405", copies: 3, file: protocol, was: "resp.Allow = ", is: "resp = nil\n\t\tresp.Allow = ",
		fails: [2]string{"method-put"}, diagnose: [2]string{"panicked"}},
	{name: "no goroutine", copies: 4, both: true, file: "stage2-concurrent/main.go", was: "go http1.Serve(conn, site)", is: "http1.Serve(conn, site)",
		fails: [2]string{"", "last-is-first"}, diagnose: [2]string{"", "serial"}},
	{name: "reads once", copies: 3, file: request, was: `strings.HasSuffix(soFar, "\n\r\n") || strings.HasSuffix(soFar, "\n\n")`, is: `soFar != ""`,
		fails: [2]string{"waits-for-the-head"}, diagnose: [2]string{"answers-early"}},
	{name: "waits for ever", copies: 3, file: conn, was: "c.tcp.SetReadDeadline(time.Now().Add(patience))", is: "error(nil)",
		fails: [2]string{"preconnect-silent"}, diagnose: [2]string{"no-head-timeout"}},
	{name: "closes at once", copies: 3, file: write, was: "c.listener.Linger <= 0", is: "c.listener.Linger >= 0",
		fails: [2]string{"garbage-after"}, diagnose: [2]string{"reset"}},
	{name: "never persists", copies: 3, file: protocol, was: "case req.Minor >= 1:\n\t\treturn \"\"", is: "case req.Minor >= 1:\n\t\treturn \"close\"",
		fails: [2]string{"keep-alive-in-turn"}, diagnose: [2]string{"persistence"}},
	{name: "does not build", copies: 3, file: response, was: "package http1", is: "package http1\n\nvar unused string = 1",
		fails: [2]string{"accepts-again"}, diagnose: [2]string{""}},
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
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), k.was, k.is, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// gradeClass grades submissions so many at once, and returns them by name.
func gradeClass(t *testing.T, atOnce string, folders ...string) map[string]*submission {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"-format", "json", "-seed", "7", "-stages", "1,2", "-j", atOnce}, folders...)
	if status := run(args, &stdout, &stderr); status == trouble {
		t.Fatalf("status %d\n%s", status, stderr.String())
	}
	var sheet struct{ Submissions []*submission }
	if err := json.Unmarshal(stdout.Bytes(), &sheet); err != nil {
		t.Fatalf("%v\n%.2000s", err, stdout.String())
	}
	found := map[string]*submission{}
	for _, s := range sheet.Submissions {
		found[s.Name] = s
	}
	return found
}

// onlyGrade leaves of a submission what its grade is: for each stage its state
// and points, for each check status, points and diagnosis. Times, names and
// what was seen differ from run to run.
var onlyGrade = cmp.Options{
	cmpopts.IgnoreUnexported(submission{}, golden.Check{}),
	cmpopts.IgnoreFields(submission{}, "Name", "Seconds"),
	cmpopts.IgnoreFields(golden.Result{}, "Seen", "Why", "Again"),
}

// TestFifty grades fifty submissions at once of which one hangs, one forks
// without end and one fills the disk. The other forty-seven get exactly the
// grades that their kind gets alone.
func TestFifty(t *testing.T) {
	if !canConfine(t) {
		t.Skip("this system has no namespaces for the programs: nothing ends processes that one leaves behind, nor limits what it writes, so the others would suffer")
	}
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	class, near := openDir(t), openDir(t)
	temp := tempDirs(t)
	open := filepath.Join(class, "open")
	if out, err := exec.Command("go", "run", filepath.Join(root, "scripts", "handout"), "-o", open).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	alone := map[string]*submission{} // by kind
	for _, k := range kinds {
		dir := filepath.Join(class, "alone", k.name)
		k.lay(t, root, open, dir)
		s := gradeClass(t, "1", dir)[k.name]
		alone[k.name] = s
		k.check(t, s)
	}

	var folders []string
	like := map[string]string{} // kinds, by name of the submission
	for i := 0; len(folders) < 47; i++ {
		for _, k := range kinds { // in turn, so that different ones meet
			if i < k.copies {
				name := fmt.Sprintf("student-%02d", len(folders)+1)
				folders = append(folders, filepath.Join(class, "all", name))
				k.lay(t, root, open, folders[len(folders)-1])
				like[name] = k.name
			}
		}
	}
	for i, name := range []string{"never answers", "forks without end", "fills the disk"} {
		dir := filepath.Join(class, "all", name)
		layAttack(t, name, root, near, class, dir)
		at := (i + 1) * len(folders) / 4 // in the midst of the others
		folders = append(folders[:at:at], append([]string{dir}, folders[at:]...)...)
	}

	mounts := mountsHere(t)
	start := time.Now()
	together := gradeClass(t, "4", folders...)
	seconds := time.Since(start).Seconds()
	if len(together) != 50 || len(like) != 47 {
		t.Fatalf("%d submissions were graded, %d of them not attacks", len(together), len(like))
	}
	wrong := 0
	for name, k := range like {
		if diff := cmp.Diff(alone[k], together[name], onlyGrade...); diff != "" {
			wrong++
			t.Errorf("%s, which is %q: -alone +among fifty:\n%s\n%s", name, k, diff, differing(alone[k], together[name]))
		}
		delete(together, name)
	}
	points := 0
	for name, s := range together {
		for _, r := range s.Stages {
			points += r.Points
		}
		t.Logf("%-20s %.1f s", name, s.Seconds)
	}
	left := leftBehind(t, temp, near, mounts)
	if points != 0 || left != "" {
		t.Errorf("the attackers earned %d points, and left behind: %s", points, left)
	}
	t.Logf("%d kinds alone, then 50 submissions in %.0f s, 4 at once: %d of 47 grades differ, 3 attackers with %d points, left behind: %d files or processes, largest process %d MB",
		len(kinds), seconds, wrong, points, strings.Count(left, "\n"), largestProcess()>>20)
}

// check looks whether a kind fails where it should: else the comparison would
// be one of something else.
func (k kind) check(t *testing.T, s *submission) {
	t.Helper()
	for i, r := range s.Stages {
		var name, diagnosis string
		for _, c := range r.Results {
			if r.State != notSubmitted && c.Status != golden.Passed && !c.Excused() {
				name, diagnosis = c.Name, c.Diagnosis
				break
			}
		}
		t.Logf("%-18s stage %d: %3d points, %s %s %s in %.1f s", k.name, r.Stage, r.Points, r.State, name, diagnosis, s.Seconds)
		if name != k.fails[i] || diagnosis != k.diagnose[i] {
			t.Errorf("%s, stage %d: %s (%s) fails first, want %s (%s)", k.name, r.Stage, name, diagnosis, k.fails[i], k.diagnose[i])
		}
	}
}

// differing tells in full of the checks that ended otherwise.
func differing(a, b *submission) string {
	var text strings.Builder
	for i, r := range a.Stages {
		for j, c := range r.Results {
			if d := b.Stages[i].Results[j]; c.Status != d.Status || c.Diagnosis != d.Diagnosis {
				fmt.Fprintf(&text, "stage %d\n%s\n%s\n", r.Stage, c, d)
			}
		}
	}
	return text.String()
}

// layAttack makes the submission of an attack in a folder.
func layAttack(t *testing.T, name, root, near, class, dir string) {
	t.Helper()
	for _, a := range attacks {
		if a.name == name {
			file := filepath.Join(dir, kit.Folder(1), "main.go")
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(a.source(root, near, class, "")), 0o644)); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("there is no attack %q", name)
}
