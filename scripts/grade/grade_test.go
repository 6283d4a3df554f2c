package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
		{"-cmd server", "-addr"},
		{"-cmd server{port} -stages 3", "stage 3"},
		{"-client-cmd client", "{file}"},
		{"-watch -format json", "-watch"},
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
		for _, p := range s.columns() {
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

// sample is a submission with a stage of each kind: 1.1 is right but for a check
// that cannot be run, 1.2 is wrong, and what comes after it is not run.
func sample() *submission {
	one := aStage(1, func(r *golden.Result) {
		switch {
		case r.Step == "1.1" && r.Weight == 0:
			r.Status, r.Why = golden.NotRun, "cannot be run here: no signal"
		case r.Step == "1.2":
			r.Status, r.Why, r.Diagnosis = golden.Failed, "first", "differs"
			r.Seen, r.Note, r.Again = "s", "lab-notes/stage1.md", "go run ./scripts/grade -only "+r.Name
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

// TestFormats compares what is printed of the sample with testdata.
func TestFormats(t *testing.T) {
	for _, format := range []string{"table", "csv", "gradescope", "json", "report"} {
		g := &grader{selection: selection{Checks: "golden", Level: golden.Strict, Seed: 7}, format: format, folders: []string{"alice"}}
		var out bytes.Buffer
		if format == "report" { // of all failures in full
			out.WriteString(g.report(sample(), true))
		} else if err := g.print(&out, []*submission{sample()}); err != nil {
			t.Fatal(err)
		}
		if format == "json" { // which has everything
			var sheet struct {
				Level       string
				Seed        uint64
				Submissions []*submission
			}
			err := json.Unmarshal(out.Bytes(), &sheet)
			if diff := cmp.Diff([]*submission{sample()}, sheet.Submissions, cmpopts.IgnoreUnexported(submission{}, stageResult{}, golden.Check{})); diff != "" || err != nil || sheet.Level != "strict" || sheet.Seed != 7 {
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
		name   string
		stages []*stageResult
		says   string
		told   []string // beside the checks of stage 2's own steps
		points int      // of 35
	}{
		{"both right", []*stageResult{results(1), results(2)}, "N of N", nil, 35},
		{"both wrong", []*stageResult{results(1, "hello"), results(2, "hello")}, "N of N", nil, 35},
		{"another answer", []*stageResult{results(1), results(2, "hello")}, "N-1 of N", []string{"hello"}, 35},
		{"right in stage 2 alone", []*stageResult{results(2), results(1, "hello")}, "N-1 of N", []string{"hello"}, 35},
		{"no stage 1", []*stageResult{results(2, "hello")}, "N-1 of N", []string{"hello"}, 35},
		{"its own step", []*stageResult{results(1), results(2, "max-conns")}, "N of N", nil, 30},
	} {
		s := &submission{Name: "alice", Stages: c.stages}
		s.addUp()
		r := c.stages[slices.IndexFunc(c.stages, func(r *stageResult) bool { return r.Stage == 2 })]
		rows, _, of := s.rows(r)
		var told []string
		for _, row := range rows {
			for _, c := range row.results {
				if row.Stage != 2 {
					told = append(told, c.Name)
				}
			}
		}
		says := "the same answers as stage 1: " + strings.NewReplacer("N-1", strconv.Itoa(of-1), "N", strconv.Itoa(of)).Replace(c.says) + "\n"
		report := (&grader{selection: selection{Checks: "golden"}}).report(s, false)
		if !slices.Equal(told, c.told) || r.Points != c.points || r.Max != 35 || !strings.Contains(report, says) {
			t.Errorf("%s: %d of %d points, told of %q, want %q and %q in\n%s", c.name, r.Points, r.Max, told, c.told, says, report)
		}
	}
}

// TestFailedForNothing: a step is passed if the checks that failed have no points, and
// the sheet says that some did.
func TestFailedForNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		failed string // a check of step 1.6
		alone  bool   // no other is run
		row    string
		status string
	}{
		{"none", "", false, "1.6  passed   20/20", "passed"},
		{"one without points", "huge-file-memory", false, "1.6  passed*   20/20", "passed"},
		{"one with points", "index", false, "1.6  FAILED   19/20", "failed"},
		{"one without points alone", "huge-file-memory", true, "1.6  FAILED ", "failed"},
	} {
		r := aStage(1, func(r *golden.Result) {
			if r.Name == c.failed {
				r.Status = golden.Failed
			}
		})
		r.Results = slices.DeleteFunc(r.Results, func(r golden.Result) bool {
			return r.Step != "1.6" || c.alone && r.Name != c.failed
		})
		s := &submission{Name: "x", Stages: []*stageResult{r}}
		g := &grader{selection: selection{Checks: "golden"}, format: "gradescope"}
		report := g.report(s, true)
		told := strings.Contains(report, "checks that have no points failed: 1")
		if !strings.Contains(report, c.row) || told != strings.Contains(c.row, "*") {
			t.Errorf("%s: want %q in\n%s", c.name, c.row, report)
		}
		var sheet strings.Builder
		if err := g.print(&sheet, []*submission{s}); err != nil || !strings.Contains(sheet.String(), `"status": "`+c.status+`"`) {
			t.Errorf("%s: %v: want %q in\n%s", c.name, err, c.status, sheet.String())
		}
	}
}
