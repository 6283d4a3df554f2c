package golden

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/internal/oracle"
)

// notInTable are files of cases/ that a check in server.go uses.
var notInTable = []string{"timeout", "keep-alive-timeout", "forbidden"}

func TestCasesAreWhole(t *testing.T) {
	used := map[string]bool{}
	for _, g := range goldens {
		used[g.name] = true
		request, response, err := g.load(caseFiles, siteFiles)
		if err != nil {
			t.Error(err)
		}
		if len(request) == 0 || !wellFormedHead.Match(response) {
			t.Errorf("%s: the request has %d bytes, the response is %.100q", g.name, len(request), response)
		}
	}
	for _, name := range notInTable {
		used[name] = true
		if request, response := bytesOf(name); len(request) == 0 || !wellFormedHead.Match(response) {
			t.Errorf("%s: the request has %d bytes, the response is %.100q", name, len(request), response)
		}
	}
	entries, err := caseFiles.ReadDir("cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())); !used[name] {
			t.Errorf("no check uses cases/%s", e.Name())
		}
	}
}

// TestResponsesAreValid: net/http can read every response as answers to the
// requests of its case, and there are not more of them than of those.
func TestResponsesAreValid(t *testing.T) {
	requests, answers := 0, 0
	for _, g := range goldens {
		if slices.Contains(g.flags, "-content-length") {
			continue // its length is wrong, or missing, for people to look at
		}
		request, response, err := g.load(caseFiles, siteFiles)
		if err != nil {
			t.Fatal(err)
		}
		sent := oracle.Requests(request)
		statuses, err := oracle.Responses(response, sent)
		if err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
		if len(statuses) == 0 || len(statuses) > len(sent) {
			t.Errorf("%s: %d requests have %d answers, %d", g.name, len(sent), len(statuses), statuses)
		}
		requests, answers = requests+len(sent), answers+len(statuses)
	}
	t.Logf("%d requests, %d answers", requests, answers)
}

func TestChecksAreOrdered(t *testing.T) {
	for stage := range 4 {
		seen := map[string]bool{}
		last := ""
		for _, c := range Checks(stage) {
			switch {
			case seen[c.Name]:
				t.Errorf("stage %d has two checks named %s", stage, c.Name)
			case c.Step < last:
				t.Errorf("stage %d: step %s of %s comes after %s", stage, c.Step, c.Name, last)
			case c.Points < 1 || c.Want == "" || c.run == nil:
				t.Errorf("stage %d: %s has %d points, wants %q", stage, c.Name, c.Points, c.Want)
			}
			seen[c.Name], last = true, c.Step
		}
		if wanted := stage > 0; wanted != (len(seen) > 0) {
			t.Errorf("stage %d has %d checks", stage, len(seen))
		}
	}
}

func TestIntact(t *testing.T) {
	if err := intact(); err != nil {
		t.Fatal(err)
	}
}

// TestSite checks that what a golden answer is made of can be seen in site/.
func TestSite(t *testing.T) {
	s, err := layOut(Program{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.remove()
	hello, err := os.ReadFile(filepath.Join(s.dir, "HelloWorld.html"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "太棒了，服务器正常工作！"; string(hello) != want || len(hello) != 36 || len([]rune(want)) != 12 {
		t.Errorf("HelloWorld.html is %q", hello)
	}
	all, err := fs.ReadFile(siteFiles, "site/all-bytes.bin")
	if err != nil {
		t.Fatal(err)
	}
	for b := range 256 {
		if !bytes.Contains(all, []byte{byte(b)}) {
			t.Errorf("all-bytes.bin has no byte %#02x", b)
		}
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		name, want, got string
		says            []string
	}{
		{"line end", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\nA: b\r\n\r\n", []string{"offset 15", `-`, `"HTTP/1.1 200 OK\r\n"`, `+`, `"HTTP/1.1 200 OK\n"`}},
		{"cut", "abc\r\ndef", "abc\r\nd", []string{"offset 6", "ends after 6 of 8 bytes"}},
		{"too long", "abc", "abcdef", []string{"offset 3", "goes on after its 3 bytes, 3 too many"}},
		{"control bytes", "a\x00b", "a\x1bb", []string{`\x00`, `\x1b`}},
		{"far away", strings.Repeat("line\n", 100_000) + "end", strings.Repeat("line\n", 100_000) + "END", []string{"offset 500000", "..."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := difference([]byte(c.want), []byte(c.got))
			for _, s := range c.says {
				if !strings.Contains(got, s) {
					t.Errorf("no %q in\n%s", s, got)
				}
			}
			if len(got) > 20_000 {
				t.Errorf("%d bytes are too many to read", len(got))
			}
		})
	}
}

func TestCuts(t *testing.T) {
	for _, c := range []struct {
		name, request string
		want          []string // each way, its pieces joined by |
	}{
		{"crlf", "GET / HTTP/1.1\r\nA: b\r\n\r\n", []string{"GET / HTTP/1.1\r\nA: b\r\n\r\n", "G|ET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n|\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r|\n"}},
		{"lf", "GET /\n\nmore", []string{"GET /\n\nmore", "G|ET /\n\nmore", "GET /\n|\nmore", "GET /\n\nmor|e"}},
		{"one byte", "x", []string{"x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := cuts([]byte(c.request))
			for i, cut := range all {
				if got := string(bytes.Join(cut.pieces, []byte("|"))); i >= len(c.want) || got != c.want[i] {
					t.Errorf("%s: %q", cut.name, got)
				}
			}
			if len(all) != len(c.want) {
				t.Errorf("%d ways, want %d", len(all), len(c.want))
			}
		})
	}
}

// TestSteps: every check has a step with a title, and the table of lab-notes
// has the same.
func TestSteps(t *testing.T) {
	notes, err := os.ReadFile(filepath.Join("..", "..", "lab-notes", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for stage := 1; stage <= 3; stage++ {
		for _, c := range append(Checks(stage), Textbook(stage)...) {
			used[c.Step] = true
			if Steps[c.Step] == "" || c.Stage != stage {
				t.Errorf("%s of stage %d: step %q, stage %d", c.Name, stage, c.Step, c.Stage)
			}
		}
	}
	for id, title := range Steps {
		if !used[id] {
			t.Errorf("no check belongs to step %s", id)
		}
		if strings.Contains(id, ".") && !strings.Contains(string(notes), "| "+id+" | "+title) {
			t.Errorf("lab-notes/README.md has no row for %s, %s", id, title)
		}
	}
}

// TestTextbookPoints: the assignment has 100 points.
func TestTextbookPoints(t *testing.T) {
	sum := 0
	for stage := 1; stage <= 3; stage++ {
		for _, c := range Textbook(stage) {
			sum += c.Points
		}
	}
	if sum != 100 {
		t.Errorf("the textbook's checks have %d points", sum)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    []string
	}{
		{"", 5, []string{""}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one\ntwo", 8, []string{"one", "two"}},
		{"incomprehensibilities", 8, []string{"incompre", "hensibil", "ities"}},
		{"太棒了 ok", 6, []string{"太棒了", "ok"}},
		{"太棒了", 5, []string{"太棒", "了"}},
		{"  indented text", 10, []string{"  indented", "text"}},
	} {
		if got := Wrap(c.text, c.columns); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

func TestCheckImports(t *testing.T) {
	for _, c := range []struct{ name, list, says string }{
		{"the kit's own", "fmt errors io\nweblab.example/stage1-single fmt net weblab.example/stage1-single/http1\n", ""},
		{"direct", "weblab.example/stage1-single fmt net/http\nnet/http net/textproto\n", "net/http may not be used: weblab.example/stage1-single imports it"},
		{"below", "weblab.example/stage1-single net/http/httputil\n", "net/http/httputil may not be used"},
		{"in a package of one's own", "weblab.example/stage1-single weblab.example/stage1-single/x\nweblab.example/stage1-single/x os/exec\n", "os/exec may not be used: weblab.example/stage1-single/x"},
		{"brought in by another", "weblab.example/stage1-single go/doc\ngo/doc testing\n", "testing may not be used: go/doc imports it"},
		{"cgo", "weblab.example/stage1-single C\n", "C may not be used"},
		{"cgo of the standard library", "runtime/cgo C\nnet C\n", ""},
	} {
		err := checkImports(c.list)
		if got := fmt.Sprint(err); (err != nil) != (c.says != "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

// TestEnded: a program is about to end when nobody listens on its port any more,
// and not before.
func TestEnded(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // a second time does no harm
	proc := &process{cmd: exec.Command("none"), stderr: &tail{}, done: make(chan struct{})}
	l := &lab{labs: &labs{}, addr: ln.Addr().String(), proc: proc}
	start := time.Now()
	if end := l.ended(0); end != "" || time.Since(start) >= patience {
		t.Errorf("while it listened: %q after %v", end, time.Since(start))
	}
	ln.Close()
	time.AfterFunc(300*time.Millisecond, func() { close(proc.done) }) // a busy machine
	if end := l.ended(0); !strings.HasPrefix(end, "the program has ended") {
		t.Errorf("when it had ended: %q", end)
	}
}
