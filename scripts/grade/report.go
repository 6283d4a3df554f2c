package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/term"
)

// show writes a text. Whatever strangers may have a word in goes out through it.
func show(w io.Writer, text string) error {
	_, err := io.WriteString(w, term.Visible(text))
	return err
}

// oneLine is a name as it stands in a line: it cannot begin another one, which
// might look like somebody's row.
func oneLine(name string) string {
	return term.Visible(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(name))
}

// below is a text whose lines stand below its first one, or what a compiler
// quotes may look like a row.
func below(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }

// indent wraps a text and puts a margin before each line.
func indent(text, margin string) string {
	return margin + strings.Join(term.Wrap(text, term.Width-len(margin)), "\n"+margin)
}

// report tells of one submission: a table for each stage, the first failure in
// full, the others in a line each, or with all of them in full.
func (g *grader) report(s *submission, all bool) string {
	if g.Checks == "textbook" {
		return g.studentReport(s)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, checks: %s, seed %d\n", s.Name, g.Checks, g.Seed)
	if s.Trouble == "" && s.Total().Max > 0 {
		var points term.Table
		for _, p := range s.Columns() {
			points = append(points, []string{p.Name, p.String()})
		}
		b.WriteString(points.String())
	}
	for _, remark := range s.Remarks {
		fmt.Fprintln(&b, indent("note: "+remark, "  "))
	}
	full := 1 // failures to tell in full
	if all {
		full = 1 << 20
	}
	for _, r := range s.Stages {
		fmt.Fprintf(&b, "\n%s: %s\n", kit.Folder(r.Stage), r.summary())
		if r.Problem != "" {
			fmt.Fprintln(&b, indent(r.Problem, "  "))
		}
		if r.State == graded {
			full -= r.report(&b, s, full)
		}
	}
	return b.String()
}

// report tells of a stage that was graded, and of so many failures in full. It returns how
// many those were.
func (r *stageResult) report(b *strings.Builder, s *submission, full int) (told int) {
	rows, same, of := s.rows(r)
	var table term.Table
	free := 0
	for _, row := range r.Rows() {
		mark, points := row.mark, fmt.Sprintf("%3d/%d", row.points, row.max)
		if row.free > 0 {
			mark += "*"
			free += row.free
		}
		if row.max == 0 {
			points = "" // of one check alone
		}
		table = append(table, []string{"", row.ID, mark, points, row.Title})
	}
	b.WriteString(table.String())
	if free > 0 {
		fmt.Fprintf(b, "  * with all its points; checks that have no points failed: %d, see below\n", free)
	}
	if of > 0 {
		fmt.Fprintf(b, "  the same answers as stage 1: %d of %d\n", same, of)
	}
	return tell(b, rows, full)
}

// tell tells of the checks that failed, of the first ones in full, of the others in a line
// each, and of those that were not run. It returns how many it told of in full.
func tell(b *strings.Builder, rows []row, full int) (told int) {
	const most = 8 // lines for a step
	for _, row := range rows {
		lines := 0
		for i, c := range row.results {
			switch {
			case c.Status != golden.Failed:
			case c.Diagnosis == "not-written" && i > 0: // which the first has said
			case told < full:
				told++
				fmt.Fprintf(b, "\n%s\n", c)
			default:
				if lines++; lines <= most {
					fmt.Fprintln(b, line(c))
				}
			}
		}
		if lines > most {
			fmt.Fprintf(b, "  %s and %d more\n", row.ID, lines-most)
		}
	}
	for _, why := range notRunBecause(rows, "en") {
		fmt.Fprintln(b, indent("not run: "+why, "  "))
	}
	return told
}

// line is a failure in one line.
func line(c golden.Result) string {
	why := c.Why
	if slices.Contains([]string{"wrong-status", "not-said", "exit-status"}, c.Diagnosis) {
		why = c.Want // which says more in a line
	}
	text := fmt.Sprintf("  %s %s: %s", c.Step, c.Name, strings.ReplaceAll(why, "\n", " "))
	return shorten(text, term.Width, " ...")
}

// shorten cuts a text that is wider than so many columns, and puts dots behind it.
func shorten(text string, columns int, dots string) string {
	if term.Columns(text) <= columns {
		return text
	}
	return term.Wrap(text, columns-len(dots))[0] + dots
}

// notRunBecause lists what was not run, and why: a line for each reason. It names
// steps that were not run at all, and single checks.
func notRunBecause(rows []row, lang string) (lines []string) {
	const most = 12 // names for a reason
	var reasons []string
	names := map[string][]string{}
	for _, row := range rows {
		first := row.results[0]
		whole := !slices.ContainsFunc(row.results, func(c golden.Result) bool { return c.Status != golden.NotRun || c.Why != first.Why })
		for i, c := range row.results {
			name := c.Step + " " + c.Name
			if whole {
				name = c.Step
			}
			if c.Status == golden.NotRun && (i == 0 || !whole) {
				names[c.Why] = append(names[c.Why], name)
				if len(names[c.Why]) == 1 {
					reasons = append(reasons, c.Why)
				}
			}
		}
	}
	for _, why := range reasons {
		list := names[why]
		if len(list) > most {
			list = append(list[:most:most], fmt.Sprintf("and %d more", len(list)-most))
		}
		lines = append(lines, strings.Join(list, ", ")+": "+say(lang, why))
	}
	return lines
}
