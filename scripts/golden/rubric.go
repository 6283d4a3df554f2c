package golden

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weblab.example/scripts/internal/term"
	"weblab.example/scripts/internal/verdict"
)

// A Rubric says what the textbook's checks are worth, and what a habit costs that a
// browser forgives. An instructor may have another one: what it does not name is as in
// the default.
type Rubric struct {
	Points     map[string]int `json:"points"`     // by check
	Deductions map[string]int `json:"deductions"` // by diagnosis; each once for a submission
}

// DefaultRubric is the text of the rubric that counts if nobody has another.
//
//go:embed rubric.json
var DefaultRubric []byte

// ReadRubric reads a rubric. A name that no check and no deduction has is an error, and
// so are points below zero.
func ReadRubric(text []byte) (r Rubric, err error) {
	must(r, json.Unmarshal(DefaultRubric, &r))
	var own Rubric
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&own); err != nil {
		return r, fmt.Errorf(`a rubric is {"points": {CHECK: POINTS}, "deductions": {MISTAKE: POINTS}}, in whole numbers: %w`, err)
	}
	for _, part := range []struct{ known, own map[string]int }{{r.Points, own.Points}, {r.Deductions, own.Deductions}} {
		for name, points := range part.own {
			if _, known := part.known[name]; !known {
				return r, fmt.Errorf("the rubric names %q: there are %s", name, strings.Join(slices.Sorted(maps.Keys(part.known)), ", "))
			}
			if points < 0 {
				return r, fmt.Errorf("the rubric gives %s %d points: that is less than nothing", name, points)
			}
			part.known[name] = points
		}
	}
	return r, nil
}

// A Deduction is what an answer costs by a habit that a browser forgives.
type Deduction struct {
	Diagnosis string `json:"diagnosis"` // its name in the table of diagnoses
	Points    int    `json:"points"`    // may be 0: then it is only said
	Seen      string `json:"seen,omitempty"`
	Why       string `json:"why"`
	WhyZh     string `json:"whyZh,omitempty"` // in Chinese, whatever the program's Lang
	Note      string `json:"note,omitempty"`
}

// deduct notes habits of a check's answers.
func (r *Result) deduct(session *session, habits []*verdict.Failure) {
	for _, f := range habits {
		why, zh := session.program.why(f, r.Step)
		r.Deductions = append(r.Deductions, Deduction{
			Diagnosis: f.Diagnosis,
			Points:    r.costs[f.Diagnosis],
			Seen:      term.Visible(f.Seen),
			Why:       why,
			WhyZh:     zh,
			Note:      noteOf(f.Diagnosis, r.Check),
		})
	}
}

// deductOnce leaves of each habit one deduction: who sends bare LF does it in each answer.
func deductOnce(results []Result) {
	told := map[string]bool{}
	for i := range results {
		results[i].Deductions = slices.DeleteFunc(results[i].Deductions, func(d Deduction) bool {
			was := told[d.Diagnosis]
			told[d.Diagnosis] = true
			return was
		})
	}
}
