package golden

import "testing"

// Report prints results as tests: a step each, and in it a check each.
func Report(t *testing.T, results []Result) {
	t.Helper()
	for start, end := 0, 0; start < len(results); start = end {
		step := results[start].Step
		for end < len(results) && results[end].Step == step {
			end++
		}
		t.Run("step "+step, func(t *testing.T) {
			for _, r := range results[start:end] {
				t.Run(r.Name, func(t *testing.T) {
					switch r.Status {
					case Failed:
						t.Error("\n" + r.String())
					case NotRun:
						t.Skip(r.Why)
					}
				})
			}
		})
	}
}
