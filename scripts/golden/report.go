package golden

import (
	"os"
	"testing"
)

// Main is what TestMain of a stage calls, with the stage's own main: it makes
// the test binary the program as well. So what is graded is what was compiled
// just now, and no edit is answered from the cache.
func Main(m *testing.M, main func()) {
	if os.Getenv("WEBLAB_STAGE") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestStage runs a stage's checks on the program that the test binary is.
func TestStage(t *testing.T, stage int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	Report(t, Grade(t.Context(), stage, Program{Args: []string{program}, Env: []string{"WEBLAB_STAGE=1"}}))
}

// Report prints results as tests: a step each, and in it a check each. The
// first three that fail in a step are told in full, the others in a line. The
// points stand last; go test shows them with -v, or when something failed.
func Report(t *testing.T, results []Result) {
	t.Helper()
	points := map[Status]int{}
	for _, r := range results {
		points[r.Status] += r.Points
	}
	defer func() {
		t.Logf("%d points, %d failed, %d not run", points[Passed], points[Failed], points[NotRun])
	}()
	for start, end := 0, 0; start < len(results); start = end {
		step := results[start].Step
		for end < len(results) && results[end].Step == step {
			end++
		}
		t.Run("step "+step, func(t *testing.T) {
			ran, failed := false, 0
			for _, r := range results[start:end] {
				ran = ran || r.Status != NotRun
				t.Run(r.Name, func(t *testing.T) {
					switch {
					case r.Status == NotRun:
						t.Skip(r.Why)
					case r.Status == Failed && failed < 3:
						t.Error("\n" + r.String())
						failed++
					case r.Status == Failed:
						t.Errorf("failed too; in full: go test -run 'step_%s/%s$'", step, r.Name)
					}
				})
			}
			if !ran {
				// A step that was asked for by name must not look as if it had passed.
				t.Errorf("not run: %s", results[start].Why)
			}
		})
	}
}
