package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

// sample is a submission with a stage of each kind.
func sample() *submission {
	result := func(step, name string, points int, status golden.Status, why string) golden.Result {
		r := golden.Result{Check: golden.Check{Stage: 1, Step: step, Name: name, Points: points, Want: "w"}, Status: status, Why: why}
		if status == golden.Failed {
			r.Seen, r.Note, r.Again, r.Diagnosis = "s", "lab-notes/stage1.md", "go run ./scripts/grade -only "+name, "differs"
		}
		return r
	}
	one := &stageResult{Stage: 1, State: graded}
	one.fill([]golden.Result{
		result("1.1", "a", 5, golden.Passed, ""),
		result("1.1", "b", 1, golden.NotRun, "cannot be run here: no signal"),
		result("1.2", "c", 2, golden.Failed, "first"),
		result("1.2", "d", 3, golden.Failed, "second "+strings.Repeat("long ", 40)),
		result("1.3", "e", 7, golden.NotRun, "step 1.2 comes first"),
	})
	two := &stageResult{Stage: 2, State: notBuilt, Problem: "main.go:1:1: syntax error"}
	two.fill(notRun(golden.Checks(2), notBuilt))
	three := &stageResult{Stage: 3, State: notSubmitted}
	three.fill(notRun(golden.Checks(3), notSubmitted))
	return &submission{Name: "alice", Stages: []*stageResult{one, two, three}, Remarks: []string{"a remark"}}
}

func TestReport(t *testing.T) {
	g := &grader{checks: "golden", seed: 7, folders: []string{"alice"}}
	report := g.report(sample(), false)
	for _, want := range []string{
		"stage1-single: 5 of 17 points, 2 failed", "1.1      passed     5/5", "1.2      FAILED     0/5", "1.3      not run    0/7",
		"1.2 c: failed\n", "why:   first", "again: go run ./scripts/grade -only c", "\n  1.2 d: second long", "not run: 1.3: step 1.2 comes first",
		"stage2-concurrent: could not be built", "syntax error", "stage3-client: not submitted", "a remark", "seed 7",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	for line := range strings.Lines(report + g.sheet([]*submission{sample(), sample()})) {
		if golden.Columns(strings.TrimRight(line, "\n")) > width {
			t.Errorf("wider than %d: %s", width, line)
		}
	}
	if all := g.report(sample(), true); !strings.Contains(all, "1.2 d: failed\n") {
		t.Errorf("the full report has no d in full:\n%s", all)
	}
	if sheet := g.sheet([]*submission{sample()}); !strings.Contains(sheet, "alice       5/17           not built      not submitted  5/") {
		t.Errorf("the sheet is\n%s", sheet)
	}
}

func TestFormats(t *testing.T) {
	var out bytes.Buffer
	g := &grader{checks: "golden", format: "json", seed: 7, folders: []string{"alice"}}
	if err := g.print(&out, []*submission{sample()}); err != nil {
		t.Fatal(err)
	}
	var sheet struct {
		Seed        uint64
		Submissions []submission
	}
	if err := json.Unmarshal(out.Bytes(), &sheet); err != nil || sheet.Seed != 7 || sheet.Submissions[0].Stages[0].Results[2].Why != "first" {
		t.Errorf("%v\n%s", err, out.String())
	}

	out.Reset()
	g.format = "csv"
	if err := g.print(&out, []*submission{sample(), sample()}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 || !slices.Equal(rows[1][:4], []string{"alice", "5", "17", "graded"}) || rows[1][6] != "could not be built" {
		t.Errorf("%v\n%q", err, rows)
	}

	out.Reset()
	g.format = "gradescope"
	if err := g.print(&out, []*submission{sample()}); err != nil {
		t.Fatal(err)
	}
	var result gradescopeResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil || result.Score != 5 || result.OutputFormat != "text" {
		t.Fatalf("%v\n%s", err, out.String())
	}
	sum := 0
	for _, test := range result.Tests {
		sum += test.Score
		if test.Visibility != "visible" || test.Number == "" || test.Name == "" || test.MaxScore == 0 || test.Status != "passed" && test.Status != "failed" {
			t.Errorf("%+v", test)
		}
	}
	if first := result.Tests[0]; sum != result.Score || first.Status != "passed" || result.Tests[1].Status != "failed" || !strings.Contains(result.Tests[1].Output, "why:   first") {
		t.Errorf("%+v", result.Tests[:2])
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
