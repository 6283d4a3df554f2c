package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weblab.example/scripts/golden"
)

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" { // the test binary is the grader as well, and so its worker
		work()
		return
	}
	os.Exit(m.Run())
}

func TestWrongUse(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"-no-such-flag", "no-such-flag"},
		{"-checks hard", "golden or textbook"},
		{"-level hard", "core, protocol or strict"},
		{"-level core -checks textbook", "no levels"},
		{"-level core -only S.1", "S.1"},
		{"-format xml", "table, json, csv or gradescope"},
		{"-j 0", "-j"},
		{"-stages 4", "-stages"},
		{"-stages 1,1", "-stages"},
		{"-only no-such-check", "no-such-check"},
		{"-addr 6789x", "host:port"},
		{"-addr localhost:6789 folder", "runs already"},
		{"-cmd server{port} -stages 3", "stage 3"},
		{"-client-cmd client", "{file}"},
		{"no-such-folder", "no-such-folder"},
		{"-format gradescope . .", "one submission"},
		{"grade_test.go", "is no folder"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(strings.Fields(c.args), &stdout, &stderr); status != trouble || !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
			t.Errorf("%s: status %d, standard error %q, standard output %q", c.args, status, stderr.String(), stdout.String())
		}
	}
}

// TestSelection: which stages are graded, for how many points. A level is what it says and what
// comes before it.
func TestSelection(t *testing.T) {
	for _, c := range []struct {
		args   string
		stages []int
		points int
		parts  string
	}{
		{"", []int{1, 2, 3}, 250, "core protocol strict total"},
		{"-stages 3,1", []int{3, 1}, 215, "core protocol strict total"},
		{"-level strict", []int{1, 2, 3}, 250, "core protocol strict total"},
		{"-level protocol", []int{1, 2, 3}, 200, "core protocol total"},
		{"-level core", []int{1, 2, 3}, 120, "core total"},
		{"-level core -stages 1", []int{1}, 70, "core total"},
		{"-addr localhost:1", []int{1}, 145, "core protocol strict total"},
		{"-addr localhost:1 -stages 2", []int{2}, 35, "core protocol total"},
		{"-cmd x{port} -client-cmd y{file}", []int{1, 3}, 215, "core protocol strict total"},
		{"-checks textbook", []int{1, 2, 3}, 100, "server 404 threads client total"},
		{"-cmd x{port} -checks textbook", []int{1, 2}, 80, "server 404 threads total"},
		{"-only fragment", []int{1, 2, 3}, 0, "core strict total"}, // S.4 of stage 1, 3.1 of stage 3
		{"-client-cmd y{file}", []int{3}, 70, "core protocol strict total"},
	} {
		g, err := parse(strings.Fields(c.args), &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		s := g.submissions()[0]
		s.addUp()
		var parts []string
		points := 0
		for _, p := range s.Columns() {
			parts, points = append(parts, p.Name), p.Max
		}
		if got := strings.Join(parts, " "); !slices.Equal(g.stages, c.stages) || points != c.points || got != c.parts {
			t.Errorf("%q: stages %v, %d points in %s; want %v, %d in %s", c.args, g.stages, points, got, c.stages, c.points, c.parts)
		}
	}
}

func TestExpand(t *testing.T) {
	class := t.TempDir()
	for _, name := range []string{"alice/stage1-single/x", "bob/kit/stage2-concurrent/x", "bob/report.txt", "carol/notes/x", "dora/stage3-client/x/y", "list.txt"} {
		name = filepath.Join(class, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ arg, want, stages, files string }{
		{"", "alice bob carol dora", "", ""}, // a folder of submissions: all folders in it
		{"*", "alice bob carol dora", "", ""},
		{"carol", "carol", "notes", "notes"},
		{"alice", "alice", "alice", "stage1-single"},
		{"bob", "bob", "kit", "bob"}, // the file beside the folder may be a program
	} {
		folders, err := expand([]string{filepath.Join(class, c.arg)}, true)
		var names []string
		for _, f := range folders {
			names = append(names, filepath.Base(f))
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.arg, got, err, c.want)
		}
		if c.stages != "" {
			dir := filepath.Join(class, c.arg)
			if stages, files := filepath.Base(inner(dir, true)), filepath.Base(inner(dir, false)); stages != c.stages || files != c.files {
				t.Errorf("the stages of %s are in %s, its files in %s; want %s, %s", c.arg, stages, files, c.stages, c.files)
			}
		}
	}
	g := &grader{folders: []string{"x/Anna", "y/anna", "anna-2"}}
	var names []string
	for _, s := range g.submissions() {
		names = append(names, s.Name)
	}
	if want := []string{"Anna", "anna-2", "anna-2-2"}; !slices.Equal(names, want) { // their reports are files
		t.Errorf("the submissions are called %q, want %q", names, want)
	}
}

// aStage is a stage all of whose checks passed but for some.
func aStage(stage int, but func(*golden.Result)) *stageResult {
	r := &stageResult{Stage: stage, State: graded}
	for _, c := range golden.Checks(stage) {
		r.Results = append(r.Results, golden.Result{Check: c, Status: golden.Passed})
		if but != nil {
			but(&r.Results[len(r.Results)-1])
		}
	}
	r.fill(r.Results)
	return r
}

// sample is a submission with a stage of each kind: 1.1 is right but for checks without points, of
// which one fails and others cannot be run; 1.2 is wrong, and what comes after it is not run.
func sample() *submission {
	one := aStage(1, func(r *golden.Result) {
		switch {
		case r.Name == "announces":
			r.Status, r.Seen, r.Why = golden.Failed, "nothing", "second"
		case r.Step == "1.1" && r.Weight == 0:
			r.Status, r.Why = golden.NotRun, "cannot be run here: no signal"
		case r.Step == "1.2":
			r.Status, r.Why, r.Diagnosis = golden.Failed, "first", "differs"
			r.Seen, r.Note, r.Again = "s", "lab-notes/steps/1.5.md", "go run ./scripts/grade -only "+r.Name
		case r.Step != "1.1":
			r.Status, r.Why = golden.NotRun, "step 1.2 comes first"
		}
	})
	second := golden.Check{Stage: 1, Step: "1.2", Name: "second", Want: "w"}
	at := slices.IndexFunc(one.Results, func(r golden.Result) bool { return r.Step == "1.3" })
	one.fill(slices.Insert(one.Results, at, golden.Result{Check: second, Status: golden.Failed, Why: strings.Repeat("long ", 40)}))
	two, three := aStage(2, nil), aStage(3, nil)
	two.State, two.Problem, three.State = notBuilt, "main.go:1:1: syntax error", notSubmitted
	two.notRun(notBuilt)
	three.notRun(notSubmitted)
	s := &submission{Name: "alice", Stages: []*stageResult{one, two, three}, Remarks: []string{"a remark"}}
	s.addUp()
	return s
}

var update = flag.Bool("update", false, "write testdata anew")

// TestFormats compares what is printed of the sample with testdata. What was not graded is no zero.
func TestFormats(t *testing.T) {
	troubled := sample()
	troubled.Name, troubled.Trouble, troubled.Remarks = "bob", "the disk is full", nil
	subs := []*submission{sample(), troubled}
	for _, format := range []string{"table", "csv", "gradescope", "json", "report"} {
		g := &grader{selection: selection{Checks: "golden", Level: golden.Strict, Seed: 7}, format: format, folders: []string{"alice"}}
		var out bytes.Buffer
		if format == "report" { // of all failures in full
			out.WriteString(g.report(sample(), true))
		} else if err := g.print(&out, subs); err != nil {
			t.Fatal(err)
		}
		if format == "json" { // which has everything
			var sheet struct {
				Level       string
				Seed        uint64
				Submissions []*submission
			}
			err := json.Unmarshal(out.Bytes(), &sheet)
			if diff := cmp.Diff(subs, sheet.Submissions, cmpopts.IgnoreUnexported(submission{}, stageResult{}, golden.Check{})); diff != "" || err != nil || sheet.Level != "strict" || sheet.Seed != 7 {
				t.Errorf("%v, level %s, seed %d, -want +got:\n%s", err, sheet.Level, sheet.Seed, diff)
			}
			continue
		}
		name := filepath.Join("testdata", "sample."+format)
		if *update {
			if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if diff := cmp.Diff(strings.SplitAfter(string(want), "\n"), strings.SplitAfter(out.String(), "\n")); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s\ngo test ./scripts/grade -run Formats -update writes what is got", name, err, diff)
		}
	}
}

// TestSameAnswers: what stage 2 answers to stage 1's requests is told where it
// is another answer, and gives no points.
func TestSameAnswers(t *testing.T) {
	results := func(stage int, failed ...string) *stageResult {
		return aStage(stage, func(r *golden.Result) {
			if slices.Contains(failed, r.Name) {
				r.Status, r.Seen, r.Why = golden.Failed, "s", "w"
			}
		})
	}
	for _, c := range []struct {
		name     string
		two, one *stageResult
		others   []string // answers that are not those of stage 1
		points   int      // of 35
	}{
		{"both right", results(2), results(1), nil, 35},
		{"both wrong", results(2, "hello"), results(1, "hello"), nil, 35},
		{"another answer", results(2, "hello"), results(1), []string{"hello"}, 35},
		{"right in stage 2 alone", results(2), results(1, "hello"), []string{"hello"}, 35},
		{"no stage 1", results(2, "hello"), results(3), []string{"hello"}, 35},
		{"its own step", results(2, "max-conns"), results(1), nil, 30},
		{"not to be had here", aStage(2, func(r *golden.Result) {
			if r.Name == "hello" {
				r.Status, r.Why = golden.NotRun, "cannot be run here: no port"
			}
		}), results(1), nil, 35},
	} {
		rows, same, of := (&submission{Stages: []*stageResult{c.two, c.one}}).rows(c.two)
		var others []string
		for _, row := range rows {
			for _, r := range row.results {
				if row.Stage != 2 {
					others = append(others, r.Name)
				}
			}
		}
		if !slices.Equal(others, c.others) || of < 100 || of-same != len(others) || c.two.Points != c.points || c.two.Max != 35 {
			t.Errorf("%s: %d of %d points, %d of %d are the same, but for %q; want %d points, %q", c.name, c.two.Points, c.two.Max, same, of, others, c.points, c.others)
		}
	}
}

// TestMark: a step is passed if the checks that failed have no points, and none waits.
func TestMark(t *testing.T) {
	for _, c := range []struct {
		check  string // of step 1.6, which ended so
		status golden.Status
		why    string
		alone  bool // no other is run
		mark   string
		free   int
	}{
		{"", "", "", false, stepPassed, 0},
		{"huge-file-memory", golden.Failed, "", false, stepPassed, 1}, // it has no points
		{"huge-file-memory", golden.Failed, "", true, stepFailed, 0},
		{"index", golden.Failed, "", false, stepFailed, 0},
		{"index", golden.NotRun, "checks before it waited too long", false, stepNotRun, 0},
		{"index", golden.NotRun, "cannot be run here: no index", false, stepPassed, 0},
		{"index", golden.NotRun, "cannot be run here: no index", true, stepNotRun, 0},
	} {
		results := slices.DeleteFunc(aStage(1, nil).Results, func(r golden.Result) bool { return r.Step != "1.6" || c.alone && r.Name != c.check })
		for i := range results {
			if results[i].Name == c.check {
				results[i].Status, results[i].Why = c.status, c.why
			}
		}
		if row := rowsOf(results)[0]; row.mark != c.mark || row.free != c.free {
			t.Errorf("%+v: the step is %s, %d failed for nothing", c, row.mark, row.free)
		}
	}
}
