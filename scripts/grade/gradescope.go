package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"weblab.example/scripts/golden"
)

// The results.json of Gradescope, as its documentation for autograders has it:
// https://gradescope-autograders.readthedocs.io/en/latest/specs/

type gradescopeResult struct {
	Score        int              `json:"score"`
	Seconds      float64          `json:"execution_time"`
	Output       string           `json:"output"`
	OutputFormat string           `json:"output_format"`
	Visibility   string           `json:"visibility"`
	Tests        []gradescopeTest `json:"tests"`
}

type gradescopeTest struct {
	Score        int    `json:"score"`
	MaxScore     int    `json:"max_score"`
	Name         string `json:"name"`
	Number       string `json:"number"`
	Status       string `json:"status"`
	Output       string `json:"output"`
	OutputFormat string `json:"output_format"`
	Visibility   string `json:"visibility"`
}

// writeGradescope writes a test for each step: what it earned, its first
// failure in full and the others in a line.
func writeGradescope(w io.Writer, s *submission) error {
	result := gradescopeResult{Seconds: s.Seconds, OutputFormat: "text", Visibility: "visible", Tests: []gradescopeTest{}}
	notes := s.Remarks
	for _, r := range s.Stages {
		result.Score += r.Points
		notes = append(notes, fmt.Sprintf("stage %d: %s", r.Stage, r.summary()))
		if r.Problem != "" {
			notes = append(notes, below(r.Problem))
		}
		for _, step := range stepsOf(r) {
			status := "failed"
			if step.mark() == stepPassed {
				status = "passed"
			}
			result.Tests = append(result.Tests, gradescopeTest{
				Score: step.points, MaxScore: step.max, Status: status,
				Name: fmt.Sprintf("stage %d: %s", r.Stage, golden.Steps[step.id]), Number: fmt.Sprintf("%d/%s", r.Stage, step.id),
				Output: step.output(r), OutputFormat: "text", Visibility: "visible",
			})
		}
	}
	result.Output = strings.Join(notes, "\n")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(result)
}

func (s step) output(r *stageResult) string {
	if r.State != graded {
		return r.State + "\n" + below(r.Problem)
	}
	var lines []string
	told := false
	for _, c := range s.results {
		switch {
		case c.Status == golden.Failed && !told:
			lines = append(lines, c.String())
			told = true
		case c.Status == golden.Failed && c.Diagnosis != "not-written":
			lines = append(lines, line(c))
		case c.Status == golden.NotRun && !told:
			lines = append(lines, "not run: "+below(c.Why))
			told = !c.Excused()
		}
	}
	return strings.Join(lines, "\n")
}
