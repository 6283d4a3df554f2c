package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/verdict"
)

// A mistake is one cause of failures and deductions, and what it cost in all. Every report
// for a person tells of mistakes.
type mistake struct {
	Diagnosis, Title      string
	Lost                  int      // points; only the textbook's checks have points of their own
	Checks                []string // that show it
	Seen, Why, Line, Note string
	Again                 string // the command that repeats the first of the checks
}

// mistakes lists what went wrong, the most expensive first.
func (s *submission) mistakes(lang string) (all []mistake) {
	add := func(m mistake) {
		i := slices.IndexFunc(all, func(o mistake) bool {
			return o.Diagnosis == m.Diagnosis && (o.Line == m.Line && m.Line != "" || o.Why == m.Why)
		})
		if i < 0 {
			all = append(all, m)
			return
		}
		if o := &all[i]; !slices.Contains(o.Checks, m.Checks[0]) {
			o.Checks = append(o.Checks, m.Checks[0])
		}
		all[i].Lost += m.Lost
	}
	for _, r := range s.Stages {
		rows, _, _ := s.rows(r)
		for _, row := range rows {
			for i, c := range row.results {
				m := mistake{Title: verdict.Title(c.Diagnosis, lang), Checks: []string{c.Name}, Diagnosis: c.Diagnosis, Seen: c.Seen, Why: c.Why, Line: c.Line, Note: c.Note, Again: c.Again}
				if row.Level == "" {
					m.Lost = c.Weight
				}
				habit := slices.ContainsFunc(c.Deductions, func(d golden.Deduction) bool { return d.Diagnosis == c.Diagnosis })
				switch {
				case r.State != graded, habit, c.Diagnosis == "not-written" && i > 0: // which the first has said
				case c.Status == golden.Failed:
					add(m)
				case c.Status == golden.NotRun && m.Lost > 0:
					m.Title = say(lang, "not run")
					add(m)
				}
				for _, d := range c.Deductions {
					add(mistake{d.Diagnosis, verdict.Title(d.Diagnosis, lang), d.Points, []string{c.Name}, d.Seen, d.Why, c.Line, d.Note, cmp.Or(c.Again, r.again(c))})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b mistake) int { return b.Lost - a.Lost })
	return all
}

// again is the command that runs a check alone, also one that passed.
func (r *stageResult) again(c golden.Result) string {
	return c.Check.Again() + r.program.Again
}

// A count is how many of a class made a mistake.
type count struct {
	Diagnosis string `json:"diagnosis"`
	Title     string `json:"title"`
	Count     int    `json:"count"`
	Of        int    `json:"of"` // that were graded
}

// classMistakes counts who made which mistake, the most frequent first.
func classMistakes(subs []*submission, lang string) (all []count) {
	of := 0
	for _, s := range subs {
		if s.Trouble != "" {
			continue
		}
		of++
		told := map[string]bool{}
		for _, m := range s.mistakes(lang) {
			if told[m.Diagnosis] || m.Diagnosis == "" {
				continue
			}
			told[m.Diagnosis] = true
			i := slices.IndexFunc(all, func(c count) bool { return c.Diagnosis == m.Diagnosis })
			if i < 0 {
				i, all = len(all), append(all, count{m.Diagnosis, m.Title, 0, 0})
			}
			all[i].Count++
		}
	}
	for i := range all {
		all[i].Of = of
	}
	slices.SortStableFunc(all, func(a, b count) int { return b.Count - a.Count })
	return all
}

// classLine is that in a line: "14 of 29: bare LF; 9: dies on an empty connection".
func classLine(all []count, lang string) string {
	var parts []string
	for i, c := range all {
		format := "%[1]d: %[3]s"
		if i == 0 {
			format = say(lang, "%d of %d: %s")
		}
		parts = append(parts, fmt.Sprintf(format, c.Count, c.Of, c.Title))
	}
	return strings.Join(parts, "; ")
}
