package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/term"
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

func TestParseStages(t *testing.T) {
	for _, c := range []struct {
		args string
		want []int
	}{
		{"", []int{1, 2, 3}},
		{"-stages 3,1", []int{3, 1}},
		{"-addr localhost:1", []int{1}},
		{"-addr localhost:1 -stages 2", []int{2}},
		{"-cmd x{port} -client-cmd y{file}", []int{1, 3}},
		{"-cmd x{port} -checks textbook", []int{1, 2}},
		{"-client-cmd y{file}", []int{3}},
	} {
		g, err := parse(strings.Fields(c.args), &bytes.Buffer{})
		if err != nil || !slices.Equal(g.stages, c.want) {
			t.Errorf("%s: %v, %v", c.args, g.stages, err)
		}
	}
}

func TestExpand(t *testing.T) {
	class := t.TempDir()
	for _, dir := range []string{"alice/stage1-single", "bob/kit/stage2-concurrent", "carol/notes", "dora/stage3-client/x"} {
		if err := os.MkdirAll(filepath.Join(class, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(class, "list.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ arg, want string }{
		{"", "alice bob carol dora"}, // a folder of submissions: all folders in it
		{"*", "alice bob carol dora"},
		{"carol", "carol"},
		{"alice", "alice"},
		{"bob", "bob"},
	} {
		folders, err := expand([]string{filepath.Join(class, c.arg)}, true)
		var names []string
		for _, f := range folders {
			names = append(names, filepath.Base(f))
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.arg, got, err, c.want)
		}
	}
	if dir := inner(filepath.Join(class, "bob")); filepath.Base(dir) != "kit" {
		t.Errorf("bob's stages are in %s", dir)
	}
}

// sample is a submission with a stage of each kind: 1.1 is right but for a check
// that cannot be run, 1.2 is wrong, and what comes after it is not run.
func sample() *submission {
	one := &stageResult{Stage: 1, State: graded}
	results := notRun(golden.Checks(1), "step 1.2 comes first")
	for i := range results {
		switch r := &results[i]; r.Step {
		case "1.1":
			r.Status, r.Why = golden.Passed, ""
			if r.Weight == 0 {
				r.Status, r.Why = golden.NotRun, "cannot be run here: no signal"
			}
		case "1.2":
			r.Status, r.Why, r.Diagnosis = golden.Failed, "first", "differs"
			r.Seen, r.Note, r.Again = "s", "lab-notes/stage1.md", "go run ./scripts/grade -only "+r.Name
		}
	}
	second := golden.Check{Stage: 1, Step: "1.2", Name: "second", Want: "w"}
	at := slices.IndexFunc(results, func(r golden.Result) bool { return r.Step == "1.3" })
	one.fill(slices.Insert(results, at, golden.Result{Check: second, Status: golden.Failed, Why: strings.Repeat("long ", 40)}))
	two := &stageResult{Stage: 2, State: notBuilt, Problem: "main.go:1:1: syntax error"}
	two.fill(notRun(golden.Checks(2), notBuilt))
	three := &stageResult{Stage: 3, State: notSubmitted}
	three.fill(notRun(golden.Checks(3), notSubmitted))
	s := &submission{Name: "alice", Stages: []*stageResult{one, two, three}, Remarks: []string{"a remark"}}
	s.addUp()
	return s
}

func TestReport(t *testing.T) {
	g := &grader{checks: "golden", seed: 7, folders: []string{"alice"}}
	report := g.report(sample(), false)
	for _, want := range []string{
		"core      5/120\n", "protocol  0/80\n", "strict    0/50\n", "total     5/250\n",
		"stage1-single: 5 of 145 points", "1.1      passed     5/5", "1.2      FAILED     0/15", "1.3      not run    0/10", "S.4      not run    0/10",
		"1.2 well-formed: failed\n", "why:   first", "again: go run ./scripts/grade -only well-formed", "\n  1.2 second: long", "not run: 1.3, 1.4, 1.5,",
		"stage2-concurrent: could not be built, 0 of 35 points", "syntax error", "stage3-client: not submitted, 0 of 70 points", "a remark", "seed 7",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	for line := range strings.Lines(report + g.sheet([]*submission{sample(), sample()})) {
		if term.Columns(strings.TrimRight(line, "\n")) > width {
			t.Errorf("wider than %d: %s", width, line)
		}
	}
	if all := g.report(sample(), true); !strings.Contains(all, "1.2 second: failed\n") {
		t.Errorf("the full report has no second in full:\n%s", all)
	}
	if sheet := g.sheet([]*submission{sample()}); !strings.Contains(sheet, "alice       5/120          0/80           0/50           5/250\n") || !strings.Contains(sheet, "alice: stage 3: not submitted") {
		t.Errorf("the sheet is\n%s", sheet)
	}
}

// TestSameAnswers: what stage 2 answers to stage 1's requests is told where it
// is another answer, and gives no points.
func TestSameAnswers(t *testing.T) {
	results := func(stage int, failed ...string) *stageResult {
		r := &stageResult{Stage: stage, State: graded}
		list := notRun(golden.Checks(stage), "")
		for i := range list {
			if list[i].Status = golden.Passed; slices.Contains(failed, list[i].Name) {
				list[i].Status, list[i].Seen, list[i].Why = golden.Failed, "s", "w"
			}
		}
		r.fill(list)
		return r
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
		own, _, of := s.own(r)
		var told []string
		for _, c := range own {
			if golden.StepOf(c.Step).Stage != 2 {
				told = append(told, c.Name)
			}
		}
		says := "the same answers as stage 1: " + strings.NewReplacer("N-1", strconv.Itoa(of-1), "N", strconv.Itoa(of)).Replace(c.says) + "\n"
		report := (&grader{checks: "golden"}).report(s, false)
		if !slices.Equal(told, c.told) || r.Points != c.points || r.Max != 35 || !strings.Contains(report, says) {
			t.Errorf("%s: %d of %d points, told of %q, want %q and %q in\n%s", c.name, r.Points, r.Max, told, c.told, says, report)
		}
	}
}

// TestLevels: a level is what it says and what comes before it.
func TestLevels(t *testing.T) {
	for _, c := range []struct {
		args   string
		points int
		parts  string
	}{
		{"", 250, "core protocol strict"},
		{"-level strict", 250, "core protocol strict"},
		{"-level protocol", 200, "core protocol"},
		{"-level core", 120, "core"},
		{"-level core -stages 1", 70, "core"},
		{"-checks textbook", 100, "server 404 threads client"},
	} {
		g, err := parse(strings.Fields(c.args), &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		s := g.submissions()[0]
		s.addUp()
		var parts []string
		for _, p := range s.Parts {
			parts = append(parts, p.Name)
		}
		if got := strings.Join(parts, " "); s.total().Max != c.points || got != c.parts {
			t.Errorf("%q: %d points in %s, want %d in %s", c.args, s.total().Max, got, c.points, c.parts)
		}
	}
}

func TestFormats(t *testing.T) {
	var out bytes.Buffer
	g := &grader{checks: "golden", format: "json", level: golden.Strict, seed: 7, folders: []string{"alice"}}
	if err := g.print(&out, []*submission{sample()}); err != nil {
		t.Fatal(err)
	}
	var sheet struct {
		Level       string
		Seed        uint64
		Submissions []submission
	}
	if err := json.Unmarshal(out.Bytes(), &sheet); err != nil || sheet.Seed != 7 || sheet.Level != "strict" || !slices.Equal(sheet.Submissions[0].Parts, sample().Parts) ||
		!slices.ContainsFunc(sheet.Submissions[0].Stages[0].Results, func(r golden.Result) bool { return r.Why == "first" }) {
		t.Errorf("%v\n%.2000s", err, out.String())
	}

	out.Reset()
	g.format = "csv"
	if err := g.print(&out, []*submission{sample(), sample()}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 || !slices.Equal(rows[0][:9], strings.Fields("submission core core_max protocol protocol_max strict strict_max total total_max")) ||
		!slices.Equal(rows[1][:12], append(strings.Fields("alice 5 120 0 80 0 50 5 250 graded"), "could not be built", "not submitted")) {
		t.Errorf("%v\n%q", err, rows)
	}

	out.Reset()
	g.format = "gradescope"
	if err := g.print(&out, []*submission{sample()}); err != nil {
		t.Fatal(err)
	}
	var result gradescopeResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil || result.Score != 5 || result.OutputFormat != "text" || !strings.Contains(result.Output, "core: 5 of 120 points") {
		t.Fatalf("%v\n%s", err, out.String())
	}
	sum, most := 0, 0
	for _, test := range result.Tests {
		sum, most = sum+test.Score, most+test.MaxScore
		if test.Visibility != "visible" || test.Number == "" || test.MaxScore == 0 || test.Status != "passed" && test.Status != "failed" || len(test.Tags) != 1 || !strings.HasPrefix(test.Name, test.Tags[0]+", stage ") {
			t.Errorf("%+v", test)
		}
	}
	if first := result.Tests[0]; sum != result.Score || most != 250 || first.Status != "passed" || result.Tests[1].Status != "failed" || !strings.Contains(result.Tests[1].Output, "why:   first") {
		t.Errorf("%d of %d points: %+v", sum, most, result.Tests[:2])
	}
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
		{"none", "", false, "1.6      passed    20/20", "passed"},
		{"one without points", "huge-file-memory", false, "1.6      passed*   20/20", "passed"},
		{"one with points", "index", false, "1.6      FAILED    19/20", "failed"},
		{"one without points alone", "huge-file-memory", true, "1.6      FAILED ", "failed"},
	} {
		var results []golden.Result
		for _, check := range golden.Checks(1) {
			r := golden.Result{Check: check, Status: golden.Passed}
			if check.Name == c.failed {
				r.Status = golden.Failed
			}
			if check.Step == "1.6" && (!c.alone || check.Name == c.failed) {
				results = append(results, r)
			}
		}
		s := &submission{Name: "x", Stages: []*stageResult{{Stage: 1, State: graded, Results: results}}}
		g := &grader{checks: "golden"}
		report := g.report(s, true)
		told := strings.Contains(report, "checks that have no points failed: 1")
		if !strings.Contains(report, c.row) || told != strings.Contains(c.row, "*") {
			t.Errorf("%s: want %q in\n%s", c.name, c.row, report)
		}
		var sheet strings.Builder
		if err := writeGradescope(&sheet, s); err != nil || !strings.Contains(sheet.String(), `"status": "`+c.status+`"`) {
			t.Errorf("%s: %v: want %q in\n%s", c.name, err, c.status, sheet.String())
		}
	}
}
