package golden

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// notInTable are files of cases/ that a script uses.
var notInTable = []string{"timeout", "head-timeout", "keep-alive-timeout", "forbidden"}

func TestCasesAreWhole(t *testing.T) {
	used := map[string]bool{}
	for _, g := range goldens {
		used[g.Name] = true
	}
	for _, name := range notInTable {
		used[name] = true
	}
	for name := range used {
		if request, response := bytesOf(name); len(request) == 0 || !wellFormedHead.Match(response) {
			t.Errorf("%s: the request has %d bytes, the response is %.100q", name, len(request), response)
		}
	}
	entries, err := caseFiles.ReadDir("cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())); !used[name] && filepath.Ext(e.Name()) != ".txt" {
			t.Errorf("no check uses cases/%s", e.Name())
		}
	}
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
			case c.Weight < 0 || c.Want == "" || c.run == nil:
				t.Errorf("stage %d: %s has weight %d, wants %q", stage, c.Name, c.Weight, c.Want)
			}
			seen[c.Name], last = true, c.Step
		}
		if wanted := stage > 0; wanted != (len(seen) > 0) {
			t.Errorf("stage %d has %d checks", stage, len(seen))
		}
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
		rows            int // that differ
	}{
		{"line end", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\nA: b\r\n\r\n", []string{"offset 15", `-`, `"HTTP/1.1 200 OK\r\n"`, `+`, `"HTTP/1.1 200 OK\n"`}, 2},
		{"cut", "abc\r\ndef", "abc\r\nd", []string{"offset 6", "ends after 6 of 8 bytes"}, 2},
		{"too long", "abc", "abcdef", []string{"offset 3", "goes on after its 3 bytes, 3 too many"}, 2},
		{"control bytes", "a\x00b", "a\x1bb", []string{`\x00`, `\x1b`}, 2},
		{"far away", strings.Repeat("line\n", 100_000) + "end", strings.Repeat("line\n", 100_000) + "END", []string{"offset 500000", "..."}, 2},
		{"longer, and then alike", "200 OK\n" + strings.Repeat("a longer line\n", 99), "200 OK, as it seems\n" + strings.Repeat("a longer line\n", 99), []string{"...\"\n"}, 2},
		{"another far behind", "OK\n" + strings.Repeat("a line\n", 200) + "end", "Okay\n" + strings.Repeat("a line\n", 200) + "END", []string{"...\"\n"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := verdict.Difference([]byte(c.want), []byte(c.got))
			for _, s := range c.says {
				if !strings.Contains(got, s) {
					t.Errorf("no %q in\n%s", s, got)
				}
			}
			if rows := strings.Count(got, "\n- ") + strings.Count(got, "\n+ "); rows != c.rows {
				t.Errorf("%d rows differ, want %d:\n%s", rows, c.rows, got)
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
// has the same. A step has points, and checks that share them.
func TestSteps(t *testing.T) {
	notes, err := os.ReadFile(filepath.Join("..", "..", "lab-notes", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for stage := 1; stage <= 3; stage++ {
		for _, c := range append(Checks(stage), Textbook(stage, must(ReadRubric(DefaultRubric)))...) {
			if StepOf(c.Step).Title == "" || c.Stage != stage {
				t.Errorf("%s of stage %d: step %q, stage %d", c.Name, stage, c.Step, c.Stage)
			}
		}
	}
	for _, step := range Steps {
		if weights()[step.ID] == 0 && step.Level != "" || step.Points < 5 {
			t.Errorf("step %s has %d points, and its checks have a weight of %d", step.ID, step.Points, weights()[step.ID])
		}
		if step.Level != "" && !strings.Contains(string(notes), fmt.Sprintf("| [%s](steps/%[1]s.md) | %s", step.ID, step.Title)) {
			t.Errorf("lab-notes/README.md has no row for %s, %s", step.ID, step.Title)
		}
	}
}

// TestWeights: code that refuses nothing has no part of the points of strict.
func TestWeights(t *testing.T) {
	for _, g := range goldens {
		if status := exchange.ReadMessage(g.Response).Status; g.weight > 0 && StepOf(g.Step).Level == Strict && status < 400 {
			t.Errorf("%s of %s has a weight, and its answer is a %d", g.Name, g.Step, status)
		}
	}
}

// TestScore: a step's points are shared by weight, in whole points, and all of
// them are had when all has passed.
func TestScore(t *testing.T) {
	for _, step := range Steps {
		checks := Checks(step.Stage)
		if step.Level == "" {
			checks = Textbook(step.Stage, must(ReadRubric(DefaultRubric)))
		}
		var results []Result
		for _, c := range checks {
			if c.Step == step.ID {
				results = append(results, Result{Check: c, Status: Passed})
			}
		}
		if earned, most := Score(results); earned != step.Points || most != step.Points {
			t.Errorf("step %s, all passed: %d of %d points, want %d", step.ID, earned, most, step.Points)
		}
		heavy := slices.IndexFunc(results, func(r Result) bool { return r.Weight > 0 })
		results[heavy].Status = Failed
		if earned, most := Score(results); earned >= step.Points || most != step.Points {
			t.Errorf("step %s, %s failed: %d of %d points", step.ID, results[heavy].Name, earned, most)
		}
		if _, most := Score(results[heavy : heavy+1]); most > step.Points || len(results) > 10 && most > step.Points/2 {
			t.Errorf("step %s, %s alone: %d points", step.ID, results[heavy].Name, most)
		}
		for i := range results {
			results[i].Stage++
		}
		if _, most := Score(results); most != 0 {
			t.Errorf("step %s has %d points in another stage", step.ID, most)
		}
	}
}

// TestNeeds: which steps a check waits for, when they have failed.
func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		stage int
		step  string
		want  string
	}{
		{1, "1.1", ""},
		{1, "1.3", "1.1 1.2"},
		{1, "1.9", "1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8"},
		{2, "1.3", "1.1 1.2 2.1"}, // answers of stage 1, which come through stage 2's loop
		{2, "2.1", "1.1 1.2 1.3 1.4 1.5"},
		{2, "2.2", "1.1 1.2 1.3 1.4 1.5 2.1"},
		{2, "2.3", "1.1 1.2 1.3 1.4 1.5 1.6 2.1 2.2"},
		{3, "3.1", "1.1 1.2 1.3 1.4 1.5"},
		{3, "3.4", "1.1 1.2 1.3 1.4 1.5 3.1 3.2 3.3"},
		{1, "S.4", "1.1 1.2 1.3 1.4 1.5 1.6 2.1"},
		{3, "S.5", "3.1 3.2 3.3"},
	} {
		var needed []string
		for _, b := range Steps {
			if b.Level != "" && needs(Check{Stage: c.stage, Step: c.step}, b.ID) {
				needed = append(needed, b.ID)
			}
		}
		if got := strings.Join(needed, " "); got != c.want {
			t.Errorf("stage %d, %s needs %q, want %q", c.stage, c.step, got, c.want)
		}
	}
}

// graded grades made-up checks with a made-up program: nothing is started.
func graded(checks ...Check) []Result {
	for i := range checks {
		c := &checks[i]
		c.Name, c.Flags = fmt.Sprint("check ", i), []string{noServer}
		if c.Weight++; c.also != "" || c.Want == "free" {
			c.Weight = 0
		}
		c.Stage = cmp.Or(c.Stage, StepOf(c.Step).Stage)
	}
	return Grade(context.Background(), checks, Program{}, 1)
}

func pass(*target) error { return nil }

// fails is a check that fails, on a program that says this.
func fails(says string) func(*target) error {
	return func(l *target) error {
		l.unwritten.find(says + "\n")
		return &verdict.Failure{Seen: fmt.Sprintf("own reason; standard error: %q", says), Diagnosis: "wrong-status", Args: []any{200, 400, ""}}
	}
}

// TestGrade: what is not run, and why; and no step of strict is in another's way.
func TestGrade(t *testing.T) {
	gap := func(step string) string { return "step " + step + " is not written yet: do it" }
	for _, c := range []struct {
		name   string
		checks []Check
		want   []string // status, and in why, for each check
	}{
		{"an earlier step failed", []Check{{Step: "1.2", run: fails("")}, {Step: "1.3", run: pass}}, []string{"failed", "not run: step 1.2 comes first"}},
		{"what has no weight failed", []Check{{Step: "1.2", Want: "free", run: fails("")}, {Step: "1.3", run: pass}}, []string{"failed", "passed"}},
		{"a strict step failed", []Check{{Step: "S.1", run: fails("")}, {Step: "S.2", run: pass}}, []string{"failed: S.1 refuses nothing yet, or not this.", "passed"}},
		{"strict needs no protocol", []Check{{Step: "1.7", run: fails("")}, {Step: "S.1", run: pass}}, []string{"failed", "passed"}},
		{"strict needs the core", []Check{{Step: "1.6", run: fails("")}, {Step: "S.1", run: pass}}, []string{"failed", "not run: step 1.6 comes first"}},
		{"its own gap", []Check{{Step: "1.3", run: fails(gap("1.3"))}}, []string{"failed: step 1.3 is not written yet"}},
		{"a gap that it needs", []Check{{Step: "1.5", run: fails(gap("1.4"))}}, []string{"not run: step 1.4 is not written yet: do it"}},
		{"a later gap", []Check{{Step: "1.3", run: fails(gap("1.4"))}}, []string{"failed"}},
		{"what the check needs beside its step", []Check{{Step: "1.9", run: fails(gap("1.9"))}, {Step: "S.1", also: "1.9", run: fails("")}},
			[]string{"failed", "not run: cannot be run here: step 1.9 is not written yet"}},
		{"the same, and it failed", []Check{{Step: "1.9", run: fails("")}, {Step: "S.1", also: "1.9", run: fails("")}}, []string{"failed", "not run: cannot be run here: step 1.9 comes first"}},
		{"the same, and it was not run", []Check{{Step: "1.8", run: fails("")}, {Step: "1.9", run: pass}, {Step: "S.1", also: "1.9", run: pass}},
			[]string{"failed", "not run: step 1.8 comes first", "not run: cannot be run here: step 1.8 comes first"}},
		{"the same, seen only now", []Check{{Step: "S.1", also: "1.9", run: fails(gap("1.9"))}}, []string{"not run: cannot be run here: step 1.9 is not written yet"}},
		{"the loop of stage 2", []Check{{Stage: 2, Step: "1.2", run: fails(gap("2.1"))}}, []string{"not run: step 2.1 is not written yet"}},
	} {
		for i, r := range graded(c.checks...) {
			status, why, _ := strings.Cut(c.want[i], ": ")
			if string(r.Status) != status || !strings.HasPrefix(r.Why, why) {
				t.Errorf("%s: %s is %s: %s; want %s", c.name, r.Step, r.Status, r.Why, c.want[i])
			}
			if c.name == "a later gap" && (strings.Contains(r.String(), "1.4") || !strings.Contains(r.Seen, "own reason")) {
				t.Errorf("%s: the message is\n%s", c.name, r)
			}
		}
	}
}

// TestEnded: a program is about to end when nobody listens on its port any more,
// and not before. On a busy machine it takes its time.
func TestEnded(t *testing.T) {
	t.Parallel()
	port, err := launch.FreePort() // one that the system gives to no connection
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // a second time does no harm
	proc := &process{Cmd: launch.Command(t.Context(), os.Args[0], "1s", "0", "", "nowhere"), stderr: &tail{}}
	proc.Env = append(os.Environ(), busyClient+"="+filepath.Join(t.TempDir(), "said"))
	if err := proc.Start(); err != nil {
		t.Fatal(err)
	}
	l := &target{session: &session{}, addr: ln.Addr().String(), proc: proc}
	start := time.Now()
	if end := l.ended(0); end != "" || time.Since(start) >= exchange.Patience {
		t.Errorf("while it listened: %q after %v", end, time.Since(start))
	}
	syscall.ForkLock.RLock() // a child of another test has this socket, too, until it has become its program
	ln.Close()
	syscall.ForkLock.RUnlock()
	if end := l.ended(0); !strings.HasPrefix(end, "the program has ended") {
		t.Errorf("when it had ended: %q", end)
	}
}

func TestAsked(t *testing.T) {
	checks := []Check{{Step: "1.5", Name: "hello"}, {Step: "1.5", Name: "hello-again"}, {Step: "1.6", Name: "large"}}
	for pattern, want := range map[string]string{
		"": "hello hello-again large", "Stage": "hello hello-again large", "Stage/step_1.6": "large", "Stage/step 1.6": "large",
		"Stage/step_1.5/hello$": "hello", "//large": "large", "Stage/1.6|Other": "hello hello-again large", "Stage/step_1.7": "",
	} {
		var got []string
		for _, c := range asked(slices.Clone(checks), pattern) {
			got = append(got, c.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("-run %s asks for %q, want %q", pattern, got, want)
		}
	}
}
