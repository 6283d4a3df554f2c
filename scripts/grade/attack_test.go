//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

// An attack is a submission that wants points which it has not earned, or harm.
type attack struct {
	name  string
	main  string            // what its stage 1 does; the imports are found by useOf
	files map[string]string // other files of it
	make  func(t *testing.T, dir string)
	linux bool   // only namespaces and limits stop it
	says  string // in its report
	not   string // and not this
}

// In an attack's source, KIT is the kit that grades, CLASS the folder of the
// submissions, NEAR a directory with a file of the grader's user in it, SERVER
// the address of somebody else's server.
var attacks = []attack{
	{name: "exits in init", main: `os.Exit(0)`},
	{name: "says that it passed", main: `
		text := "PASS\nok 100%\n" + strings.Repeat("{\"Stage\":1,\"Results\":[{\"stage\":1,\"step\":\"1.1\",\"name\":\"announces\",\"points\":1000,\"status\":\"passed\"}]}\n", 3)
		for fd := 1; fd < 20; fd++ {
			syscall.Write(fd, []byte(text))
		}
		os.WriteFile("results.json", []byte(text), 0o644)`},
	{name: "edits the checks", main: `os.WriteFile("KIT/scripts/golden/hacked.go", []byte("package golden"), 0o644); os.Remove("KIT/go.sum")`, linux: true,
		files: map[string]string{"scripts/golden/check.go": "package golden\n\nfunc init() { println(1) }\n", "stage1-single/go.mod": "module weblab.example/stage1-single\n\ngo 1.25.0\n"}, says: "changed by the submission, and without effect: scripts/golden/check.go, stage1-single/go.mod"},
	{name: "forks and stays", linux: true, main: `
		if len(os.Args) > 1 && os.Args[1] == "stay" {
			time.Sleep(10 * time.Minute)
		}
		for range 3 {
			syscall.ForkExec("/proc/self/exe", []string{"weblab-attack-stays", "stay"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}})
		}`},
	{name: "forks without end", linux: true, main: `
		if len(os.Args) > 1 && os.Args[1] == "stay" {
			time.Sleep(10 * time.Minute)
		}
		for range 3000 {
			syscall.ForkExec("/proc/self/exe", []string{"weblab-attack-stays", "stay"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}})
		}
		time.Sleep(time.Minute)`},
	{name: "kills everything", linux: true, main: `
		if os.Getpid() < 200 { // in a PID namespace of its own; outside of one it would be no test, but harm
			syscall.Kill(-1, syscall.SIGKILL)
			syscall.Kill(1, syscall.SIGKILL)
			syscall.Kill(1, syscall.SIGTERM)
			syscall.Kill(1, syscall.SIGQUIT)
		}`},
	{name: "runs another's program", linux: true, main: `
		found, _ := filepath.Glob(filepath.Dir(filepath.Dir(os.Args[0])) + "/*/stage1-single.exe")
		solution, _ := filepath.Glob("KIT/stage1-single/*.go")
		classmates, _ := filepath.Glob("CLASS/*/stage1-single/main.go")
		if len(found) > 1 || len(solution)+len(classmates) > 0 {
			fmt.Fprintln(os.Stderr, "saw the work of others")
		}
		for _, program := range found {
			if program != os.Args[0] {
				syscall.Exec(program, os.Args, os.Environ())
			}
		}`, not: "saw the work of others"},
	{name: "asks another's server", linux: true, main: `
		if _, err := net.Dial("tcp", "SERVER"); err == nil {
			fmt.Fprintln(os.Stderr, "reached the server of another")
		}`, not: "reached the server of another"},
	{name: "never answers", main: `
		ln, _ := net.Listen("tcp", "127.0.0.1:0")
		fmt.Printf("http://%s/ serves .\n", ln.Addr())
		var all []net.Conn
		for {
			conn, _ := ln.Accept()
			all = append(all, conn)
		}`},
	{name: "prints without end", main: `
		for {
			os.Stdout.WriteString(strings.Repeat("x", 1<<16))
			os.Stderr.WriteString(strings.Repeat("y", 1<<16))
		}`},
	{name: "allocates without end", linux: true, main: `
		var all [][]byte
		for {
			block := make([]byte, 64<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			all = append(all, block)
			fmt.Fprintln(os.Stderr, len(all)*64, "MB")
			if len(all) > 40 { // 2.5 GB: nothing stops it
				os.Stderr.WriteString("had all that it wanted")
				os.Exit(0)
			}
		}`, not: "had all that it wanted"},
	{name: "deletes around it", linux: true, main: `
		os.WriteFile("NEAR/canary", []byte("overwritten"), 0o644)
		os.RemoveAll("NEAR")
		os.RemoveAll(filepath.Dir(os.Args[0]))
		os.RemoveAll("..")`},
	{name: "fills the disk", linux: true, main: `
		for _, dir := range []string{"NEAR", os.TempDir(), ".", filepath.Dir(os.Args[0]), "/tmp", "/dev/shm"} {
			f, err := os.Create(dir + "/weblab-attack-fill")
			for i := 0; err == nil && i < 1<<10; i++ { // 1 GB, in case that nothing stops it
				_, err = f.Write(make([]byte, 1<<20))
			}
		}`},
	{name: "imports net http", main: `http.ListenAndServe(":0", nil)`, says: "net/http may not be used"},
	{name: "imports os exec", main: `exec.Command("go", "version").Run()`, says: "os/exec may not be used"},
	{name: "c code", main: `fmt.Print()`, files: map[string]string{"stage1-single/c.go": "package main\n\n// int one() { return 1; }\nimport \"C\"\n\nfunc init() { println(C.one()) }\n"}, says: "announces: failed"},
	{name: "assembly", main: `fmt.Print()`, files: map[string]string{"stage1-single/x.s": "TEXT ·f(SB),$0\n\tRET\n", "stage1-single/x.go": "package main\n\nfunc f()\n\nfunc init() { f() }\n"}, says: "could not be built"},
	{name: "link to the solution", make: func(t *testing.T, dir string) {
		root, err := kit.Find()
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Join(dir, "stage1-single"), 0o755),
				os.Symlink(filepath.Join(root, "stage1-single", "main.go"), filepath.Join(dir, "stage1-single", "main.go")),
				os.Symlink(filepath.Join(root, "stage1-single", "http1"), filepath.Join(dir, "stage1-single", "http1")))
		}
		if err != nil {
			t.Skip(err)
		}
	}, says: "left out, as links, huge, or no files: stage1-single/main.go"},
	{name: "link to a stage", make: func(t *testing.T, dir string) {
		root, err := kit.Find()
		if err == nil {
			err = os.Symlink(filepath.Join(root, "stage1-single"), filepath.Join(dir, "stage1-single"))
		}
		if err != nil {
			t.Skip(err)
		}
	}, says: "stage1-single is no folder"},
	{name: "huge file", main: `fmt.Print()`, make: func(t *testing.T, dir string) {
		err := os.MkdirAll(filepath.Join(dir, "stage1-single", "www"), 0o755)
		for _, name := range []string{"www/huge.bin", "huge.go"} {
			f, createErr := os.Create(filepath.Join(dir, "stage1-single", name))
			if err = errors.Join(err, createErr); err != nil {
				t.Fatal(err)
			}
			err = errors.Join(f.Truncate(10<<30), f.Close()) // sparse: it takes no room
		}
		if err != nil {
			t.Skip(err)
		}
	}, says: "left out, as links, huge, or no files: stage1-single/huge.go, stage1-single/www/huge.bin"},
}

// source is a main.go with this body and the imports that it needs.
func (a attack) source(root, near, class, server string) string {
	body := strings.NewReplacer("SERVER", server, "KIT", filepath.ToSlash(root), "CLASS", filepath.ToSlash(class), "NEAR", filepath.ToSlash(near)).Replace(a.main)
	s := "package main\n\n"
	for _, name := range []string{"fmt", "net", "net/http", "os", "os/exec", "path/filepath", "strings", "syscall", "time"} {
		if strings.Contains(body, name[strings.LastIndexByte(name, '/')+1:]+".") {
			s += fmt.Sprintf("import %q\n", name)
		}
	}
	function := "func main() {"
	if a.name == "exits in init" {
		function = "func main() {}\n\nfunc init() {"
	}
	return s + "\n" + function + body + "\n}\n"
}

// TestAttacks grades a class in which one student is honest. Nobody else earns
// a point, or keeps anybody from theirs.
func TestAttacks(t *testing.T) {
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	class, near := openDir(t), openDir(t)
	canary, server := filepath.Join(near, "canary"), listen(t)
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	write(canary, "alive")
	os.Chmod(canary, 0o666)
	if err := os.CopyFS(filepath.Join(class, "honest", "stage1-single"), os.DirFS(filepath.Join(root, "stage1-single"))); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, root)
	confined := canConfine(t)
	temp, mounts := tempDirs(t), mountsHere(t)
	tried, points := 0, 0
	for _, a := range attacks {
		if a.linux && !confined {
			t.Logf("skipped on this system, which cannot stop it: %s", a.name)
			continue
		}
		dir := filepath.Join(class, a.name)
		if a.main != "" {
			write(filepath.Join(dir, "stage1-single", "main.go"), a.source(root, near, class, server))
		}
		for name, text := range a.files {
			write(filepath.Join(dir, filepath.FromSlash(name)), text)
		}
		if a.make != nil {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			a.make(t, dir)
		}
	}

	reports := filepath.Join(class, ".reports") // no submission: its name begins with a dot
	start := time.Now()
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-format", "json", "-stages", "1", "-j", "4", "-out", reports, class}, &stdout, &stderr); status != someFailed {
		t.Fatalf("status %d\n%s", status, stderr.String())
	}
	var sheet struct{ Submissions []*submission }
	if err := json.Unmarshal(stdout.Bytes(), &sheet); err != nil {
		t.Fatalf("%v\n%.2000s", err, stdout.String())
	}
	seconds := time.Since(start).Seconds()
	found := map[string]*submission{}
	for _, s := range sheet.Submissions {
		found[s.Name] = s
	}
	if s := found["honest"]; s == nil || !s.passed() {
		report, _ := os.ReadFile(filepath.Join(reports, "honest.txt")) // what there is of it
		t.Errorf("the honest one did not pass:\n%s", report)
	}
	for _, a := range attacks {
		s := found[a.name]
		if s == nil {
			if !a.linux || confined {
				t.Errorf("%s was not graded", a.name)
			}
			continue
		}
		report, err := os.ReadFile(filepath.Join(reports, a.name+".txt"))
		if err != nil || !strings.Contains(strings.Join(strings.Fields(string(report)), " "), a.says) {
			t.Errorf("%s: no %q in its report (%v):\n%s", a.name, a.says, err, report)
		}
		if a.not != "" && strings.Contains(string(report), a.not) {
			t.Errorf("%s: %q in its report", a.name, a.not)
		}
		tried, points = tried+1, points+s.Stages[0].Points
		if s.Stages[0].Points != 0 {
			t.Errorf("%s earned %d points:\n%s", a.name, s.Stages[0].Points, report)
		}
		t.Logf("%-24s %3d points in %4.1f s: %s", a.name, s.Stages[0].Points, s.Seconds, s.Stages[0].State)
	}
	changed := 0
	if text, err := os.ReadFile(canary); err != nil || string(text) != "alive" {
		changed++
		t.Errorf("the canary is %q, %v", text, err)
	}
	if after := treeOf(t, root); before != after {
		changed++
		t.Errorf("files of the kit have changed, -before +after:\n%s", cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")))
	}
	left := leftBehind(t, temp, near, mounts)
	if left != "" {
		t.Errorf("left behind:\n%s", left)
	}
	t.Logf("%d attacks in %.0f s, 4 at once: %d points earned by them, %d files outside changed, %d files or processes left behind, largest process %d MB",
		tried, seconds, points, changed, strings.Count(left, "\n"), largestProcess()>>20)
}

// openDir is a temporary directory that everybody may write to: its rights alone
// protect nothing.
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

// canConfine reports whether a worker gets namespaces here.
func canConfine(t *testing.T) bool {
	g := &grader{temp: openDir(t), stderr: &bytes.Buffer{}}
	if err := g.prepareWorkers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g.protection == inNamespaces
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

// TestAnyLanguage grades a program that is not Go, and knows no flag.
func TestAnyLanguage(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3: ", err)
	}
	class := t.TempDir()
	for name, text := range map[string]string{"anna/WebServer.py": textbookServer, "anna/client.py": textbookPythonClient, "otto/WebServer.py": "raise SystemExit(0)\n", "otto/client.py": ""} {
		name = filepath.Join(class, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	status := run([]string{"-cmd", "python3 WebServer.py {port}", "-client-cmd", "python3 client.py {host} {port} {file}", "-checks", "textbook",
		"-format", "json", filepath.Join(class, "anna"), filepath.Join(class, "otto")}, &stdout, &stderr)
	var sheet struct{ Submissions []*submission }
	if err := json.Unmarshal(stdout.Bytes(), &sheet); err != nil || status != someFailed {
		t.Fatalf("status %d, %v\n%s", status, err, stderr.String())
	}
	points := func(s *submission) (p []int) {
		for _, r := range s.Stages {
			p = append(p, r.Points)
		}
		return p
	}
	anna, otto := sheet.Submissions[0], sheet.Submissions[1]
	// "many" may pass on a server that is serial: it is about what comes, not when.
	if p := points(anna); len(p) != 3 || p[0] != 60 || p[1] > 5 || p[2] != 20 {
		t.Errorf("anna has %v points\n%s", p, (&grader{checks: "textbook"}).report(anna, true))
	}
	if p := points(otto); len(p) != 3 || p[0]+p[1]+p[2] != 0 {
		t.Errorf("otto has %v points", p)
	}
	if adds := strings.Join(anna.Stages[0].Adds, "\n"); !strings.Contains(adds, "1.2 well-formed") || !strings.Contains(adds, "1.3 ") {
		t.Errorf("golden would add:\n%s", adds)
	}
}

// TestPortHeld: a port that something else holds is the grader's trouble.
func TestPortHeld(t *testing.T) {
	ln := listen(t)
	var stdout, stderr bytes.Buffer
	status := run([]string{"-cmd", "true", "-addr", ln, "-only", "hello", t.TempDir()}, &stdout, &stderr)
	if status != trouble || !strings.Contains(stderr.String(), "something else listens on "+ln) {
		t.Errorf("status %d, %s", status, stderr.String())
	}
}

// TestRunningServer grades a server that was started by somebody else.
func TestRunningServer(t *testing.T) {
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "stage1.exe")
	if err := kit.Build(t.Context(), root, "stage1-single", program, false); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-addr", "localhost:0", "-root", filepath.Join(root, "scripts", "golden", "site"))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() // it was killed
	defer cmd.Process.Kill()
	var addr, serves, dir string
	if _, err := fmt.Fscanf(out, "http://%s %s %s\n", &addr, &serves, &dir); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-addr", strings.TrimSuffix(addr, "/")}, &stdout, &stderr); status != allPassed {
		t.Errorf("status %d\n%s%s", status, stderr.String(), stdout.String())
	}
}

// TestAgrees: go test at the root and the grader say the same of a kit with a
// mistake in it.
func TestAgrees(t *testing.T) {
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	response := filepath.Join(copied, "stage1-single", "http1", "response.go")
	text, err := os.ReadFile(response)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(response, bytes.Replace(text, []byte(`405: "Method Not Allowed"`), []byte(`405: "Method not allowed"`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "./scripts/grade", "-format", "json")
	cmd.Dir = copied
	out, _ := cmd.Output() // its status is 1
	var sheet struct{ Submissions []*submission }
	if err := json.Unmarshal(out, &sheet); err != nil {
		t.Fatalf("%v\n%.1000s", err, out)
	}
	cmd = exec.Command("go", "test", "-v", "./scripts/golden", "-run", "TestStages")
	cmd.Dir = copied
	tested, _ := cmd.Output() // so is this one's
	failed := 0
	for _, r := range sheet.Submissions[0].Stages {
		for _, c := range r.Results {
			line := fmt.Sprintf("--- %s: TestStages/%s/step_%s/%s (", map[golden.Status]string{golden.Passed: "PASS", golden.Failed: "FAIL", golden.NotRun: "SKIP"}[c.Status], kit.Folder(r.Stage), c.Step, c.Name)
			if !bytes.Contains(tested, []byte(line)) {
				t.Errorf("go test does not say %q", line)
			}
			if c.Status == golden.Failed {
				failed++
			}
		}
	}
	if failed == 0 || bytes.Count(tested, []byte("--- FAIL: TestStages/stage1-single/step_1.2/")) == 0 {
		t.Errorf("%d checks failed\n%.3000s", failed, tested)
	}
}
