package main

import (
	"cmp"
	"fmt"
	"regexp"
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

// Heading names a mistake, the line of the program, and the checks, which may be many.
func (m mistake) Heading() string {
	text := m.Title
	if m.Line != "" {
		text += ", " + oneLine(m.Line)
	}
	return text + " (" + strings.Join(m.Checks, ", ") + ")"
}

// mistakes lists what went wrong in a submission, the most expensive first.
func (s *submission) mistakes(lang string) []mistake {
	var all mistakes
	for _, r := range s.Stages {
		rows, _, _ := s.rows(r)
		for _, row := range rows {
			all.addRow(r, row, lang)
		}
	}
	return all.sorted()
}

type mistakes []mistake

var number = regexp.MustCompile(`\d+`)

// add adds a mistake, or adds its points to what is there of the same cause. "3 of 36
// bytes came" and "0 of 20 bytes came" have one cause.
func (all *mistakes) add(m mistake) {
	cause := func(m mistake) string { return number.ReplaceAllString(m.Why, "") }
	i := slices.IndexFunc(*all, func(o mistake) bool {
		return o.Diagnosis == m.Diagnosis && (o.Line == m.Line && m.Line != "" || cause(o) == cause(m))
	})
	if i < 0 {
		*all = append(*all, m)
		return
	}
	o := &(*all)[i]
	if !slices.Contains(o.Checks, m.Checks[0]) {
		o.Checks = append(o.Checks, m.Checks[0])
	}
	o.Lost += m.Lost
}

// addRow adds what went wrong in a step.
func (all *mistakes) addRow(r *stageResult, row row, lang string) {
	if r.State != graded {
		return
	}
	for i, c := range row.results {
		m := mistake{Title: verdict.Title(c.Diagnosis, lang), Checks: []string{c.Name}, Diagnosis: c.Diagnosis, Seen: c.Seen, Why: c.Why, Line: c.Line, Note: note(c.Note, lang), Again: c.Again}
		if row.Level == "" {
			m.Lost = c.Weight
		}
		habit := slices.ContainsFunc(c.Deductions, func(d golden.Deduction) bool { return d.Diagnosis == c.Diagnosis })
		switch {
		case habit, c.Diagnosis == "not-written" && i > 0: // which the first has said
		case c.Status == golden.Failed:
			all.add(m)
		case c.Status == golden.NotRun && m.Lost > 0:
			m.Title, m.Why = say(lang, "not run"), say(lang, c.Why)
			if before := slices.IndexFunc(row.results[:i], func(o golden.Result) bool { return o.Status == golden.Failed && o.Weight > 0 }); before >= 0 {
				o := row.results[before] // because of which it was not run
				m.Diagnosis, m.Title, m.Why, m.Line = o.Diagnosis, verdict.Title(o.Diagnosis, lang), o.Why, o.Line
			}
			all.add(m)
		}
		for _, d := range c.Deductions {
			all.add(mistake{d.Diagnosis, verdict.Title(d.Diagnosis, lang), d.Points, []string{c.Name}, d.Seen, d.Why, c.Line, note(d.Note, lang), cmp.Or(c.Again, r.again(c))})
		}
	}
}

func (all mistakes) sorted() []mistake {
	slices.SortStableFunc(all, func(a, b mistake) int { return b.Lost - a.Lost })
	return all
}

// note is the page to read in a language: each page has a Chinese twin, with other titles.
func note(name, lang string) string {
	if page, _, is := strings.Cut(name, ".md"); is && lang == "zh" {
		return page + ".zh-CN.md"
	}
	return name
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
	subs = slices.DeleteFunc(slices.Clone(subs), func(s *submission) bool { return s.Trouble != "" })
	for _, s := range subs {
		told := map[string]bool{}
		for _, m := range s.mistakes(lang) {
			if told[m.Diagnosis] || m.Diagnosis == "" {
				continue
			}
			told[m.Diagnosis] = true
			i := slices.IndexFunc(all, func(c count) bool { return c.Diagnosis == m.Diagnosis })
			if i < 0 {
				i, all = len(all), append(all, count{m.Diagnosis, m.Title, 0, len(subs)})
			}
			all[i].Count++
		}
	}
	slices.SortStableFunc(all, func(a, b count) int { return b.Count - a.Count })
	return all
}

// classLine is that in a line: "14 of 29: bare LF; 9: dies on an empty connection".
func classLine(all []count, lang string) string {
	const most = 12 // of them; the page of the class and json have all
	var parts []string
	for i, c := range all[:min(most, len(all))] {
		format := say(lang, "%[1]d: %[3]s")
		if i == 0 {
			format = say(lang, "%d of %d: %s")
		}
		parts = append(parts, fmt.Sprintf(format, c.Count, c.Of, c.Title))
	}
	if more := len(all) - most; more > 0 {
		parts = append(parts, fmt.Sprintf(say(lang, "and %d more"), more))
	}
	return strings.Join(parts, say(lang, "; "))
}
