package golden

import "testing"

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
