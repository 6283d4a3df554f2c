//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// textbookServer is what the assignment asks for and no more, in Python: one
// read, text, one request at a time, no Content-Length.
const textbookServer = `
import socket, sys
ear = socket.socket()
ear.bind(('', int(sys.argv[1])))
ear.listen(1)
while True:
    conn, _ = ear.accept()
    try:
        name = conn.recv(8192).decode().split()[1]
        text = open(name[1:], encoding='utf-8').read()
        conn.send(('HTTP/1.1 200 OK\n\n' + text + '\r\n').encode())
    except IOError:
        conn.send(b'HTTP/1.1 404 Not Found\r\n\r\n<h1>gone</h1>')
    conn.close()
`

const textbookPythonClient = `
import socket, sys
conn = socket.create_connection((sys.argv[1], int(sys.argv[2])))
conn.send(('GET /%s HTTP/1.1\r\nHost: x\r\n\r\n' % sys.argv[3]).encode())
print(conn.recv(4096).decode())
`

// These tests mostly wait, so they do it together.

// TestAnyLanguage grades a program that is not Go, and knows no flag.
func TestAnyLanguage(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3: ", err)
	}
	class := t.TempDir()
	for name, text := range map[string]string{"anna/WebServer.py": textbookServer, "anna/client.py": textbookPythonClient, "mia/WebServer.py": textbookServer, "otto/WebServer.py": "raise SystemExit(0)\n", "otto/client.py": ""} {
		put(t, filepath.Join(class, filepath.FromSlash(name)), text)
	}
	found := gradeJSON(t, trouble, "-cmd", "python3 WebServer.py {port}", "-client-cmd", "python3 client.py {host} {port} {file}", "-checks", "textbook",
		filepath.Join(class, "anna"), filepath.Join(class, "otto"), filepath.Join(class, "mia"))
	anna, points := found["anna"], []int{}
	for _, r := range anna.Stages {
		points = append(points, r.Points)
	}
	// 60 less a line end behind the body (1), and an end by an empty connection (2).
	if want := []int{57, 0, 20}; !slices.Equal(points, want) {
		t.Errorf("anna has %v points, want %v\n%s", points, want, (&grader{selection: selection{Checks: "textbook"}}).report(anna, true))
	}
	if client := found["mia"].Stages[2]; client.State != notSubmitted || client.Points != 0 || client.Max != 20 {
		t.Errorf("mia has no client: it is %s, %d of %d points", client.State, client.Points, client.Max)
	}
	if otto := found["otto"]; !strings.Contains(otto.Trouble, "it ended before it listened") {
		t.Errorf("otto: %q, %v points", otto.Trouble, otto.Stages)
	}
}

// TestTrouble: what is the grader's trouble, or the machine's, is no grade.
func TestTrouble(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	args := []string{"-cmd", "true", "-addr", listen(t), "-only", "hello", t.TempDir()} // somebody else listens there
	if status := run(args, &stdout, &stderr); status != trouble || !strings.Contains(stderr.String(), "it ended before it listened (exit status 0)") {
		t.Errorf("a program that is none: status %d, %s", status, stderr.String())
	}
	g := &grader{temp: t.TempDir(), selection: selection{Level: golden.Strict}, stages: []int{1}, folders: []string{filepath.Join(t.TempDir(), "gone")}}
	s := g.submissions()[0]
	g.gradeOne(t.Context(), 0, s)
	if s.Trouble == "" || s.Stages[0].State != notGraded {
		t.Errorf("a folder that is gone is %s, %q", s.Stages[0].State, s.Trouble)
	}
}

// TestRunningServer grades a server that was started by somebody else.
func TestRunningServer(t *testing.T) {
	t.Parallel()
	root, program := findKit(t), filepath.Join(t.TempDir(), "stage1.exe")
	if err := kit.Build(t.Context(), root, "stage1-single", program, false); err != nil {
		t.Fatal(err)
	}
	server, err := launch.Serve(t.Context(), &launch.Tail{}, program, "-addr", "localhost:0", "-root", filepath.Join(root, "scripts", "golden", "site"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-addr", server.Addr}, &stdout, &stderr); status != allPassed {
		t.Errorf("status %d\n%s%s", status, stderr.String(), stdout.String())
	}
}

// TestAgrees: go test at the root and the grader say the same of a kit with a
// mistake in it.
func TestAgrees(t *testing.T) {
	t.Parallel()
	root, k, overlay := findKit(t), kinds[2], filepath.Join(t.TempDir(), "overlay.json")
	text, err := os.ReadFile(filepath.Join(root, k.file))
	if err != nil {
		t.Fatal(err)
	}
	put(t, overlay+".go", strings.Replace(string(text), k.was, k.is, 1))
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, k.file): overlay + ".go"}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, overlay, string(replace))
	in := func(args ...string) []byte {
		cmd := launch.Command(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "GOFLAGS=-overlay="+overlay) // which reaches the builds of the stage
		out, _ := cmd.Output()                                                     // its status is 1
		return out
	}
	var sheet struct{ Submissions []*submission }
	if out := in("run", "./scripts/grade", "-format", "json", "-stages", "1"); json.Unmarshal(out, &sheet) != nil {
		t.Fatalf("%.1000s", out)
	}
	tested := in("test", "-count=1", "-v", "./scripts/golden", "-run", "TestStages/stage1-single")
	failed := 0
	for _, c := range sheet.Submissions[0].Stages[0].Results {
		line := fmt.Sprintf("--- %s: TestStages/stage1-single/step_%s/%s (", map[golden.Status]string{golden.Passed: "PASS", golden.Failed: "FAIL", golden.NotRun: "SKIP"}[c.Status], c.Step, c.Name)
		if !bytes.Contains(tested, []byte(line)) {
			t.Errorf("go test does not say %q", line)
		}
		if c.Status == golden.Failed {
			failed++
		}
	}
	if failed == 0 || bytes.Count(tested, []byte("--- FAIL: TestStages/stage1-single/step_1.2/")) == 0 {
		t.Errorf("%d checks failed\n%.3000s", failed, tested)
	}
}

// TestSaysWhatIsMissing grades where the system gives no namespaces. What
// cannot be stopped then is said, and where to read on.
func TestSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("unshare"); err != nil || !canConfine(t) {
		t.Skip("namespaces cannot be had and then be forbidden here: ", err)
	}
	program := filepath.Join(openDir(t), "grade.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const forbid = `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"` // in the new namespace only
	// Its status is that of an empty submission.
	out, _ := exec.Command("unshare", "-Ur", "sh", "-c", forbid, program, "-stages", "1", "-only", "hello", t.TempDir()).CombinedOutput()
	said := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{"started without these protections", "what they leave running goes on, they see other processes, and can change files outside", "one for each submission: see lab-notes/instructors.md"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
