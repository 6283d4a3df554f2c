package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/term"
)

// encoders write the submissions in each format.
var encoders = map[string]func(g *grader, w io.Writer, subs []*submission) error{
	"table": func(g *grader, w io.Writer, subs []*submission) error {
		text := g.sheet(subs)
		if len(g.folders) == 0 || len(subs) == 1 && g.Checks == "textbook" {
			text = g.report(subs[0], false)
		}
		_, err := io.WriteString(w, text)
		return err
	},
	"json": func(g *grader, w io.Writer, subs []*submission) error {
		return writeJSON(w, map[string]any{"checks": g.Checks, "level": g.Level, "seed": g.Seed, "submissions": subs, "mistakes": classMistakes(subs, g.Lang)})
	},
	"csv": func(g *grader, w io.Writer, subs []*submission) error {
		return csv.NewWriter(w).WriteAll(g.cells(subs))
	},
	"gradescope": func(g *grader, w io.Writer, subs []*submission) error { return writeJSON(w, g.gradescope(subs[0])) },
}

// print prints the sheet in the format that was asked for.
func (g *grader) print(w io.Writer, subs []*submission) error {
	var b bytes.Buffer
	if err := encoders[g.format](g, &b, subs); err != nil {
		return err
	}
	return show(w, b.String())
}

func writeJSON(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(value)
}

// sheet has a row for each submission and a column for each level.
func (g *grader) sheet(subs []*submission) string {
	const widest = 32 // columns for a name; the remarks have it in full
	head := []string{say(g.Lang, "submission")}
	for _, p := range subs[0].Columns() {
		head = append(head, say(g.Lang, p.Name))
	}
	table := term.Table{head}
	remarks := ""
	for _, s := range subs {
		row := []string{shorten(s.Name, widest, "...")}
		for _, p := range s.Columns() {
			row = append(row, p.String())
		}
		if s.Trouble != "" {
			row = append(row[:1], say(g.Lang, "not graded"))
		}
		table = append(table, row)
		for _, remark := range s.remarks(g.Lang) {
			remarks += indent(s.Name+": "+below(remark), "") + "\n"
		}
	}
	class := ""
	if line := classLine(classMistakes(subs, g.Lang), g.Lang); line != "" && len(subs) > 1 {
		class = "\n" + indent(line, "") + "\n"
	}
	return fmt.Sprintf("%s\nchecks: %s, seed %d\n%s%s", table, g.Checks, g.Seed, remarks, class)
}

// cells are the sheet for a spreadsheet: points and what they could be are apart.
func (g *grader) cells(subs []*submission) [][]string {
	head := []string{"submission"}
	for _, p := range subs[0].Columns() {
		head = append(head, p.Name, p.Name+"_max")
	}
	for _, r := range subs[0].Stages {
		head = append(head, fmt.Sprintf("stage%d", r.Stage))
	}
	table := [][]string{append(head, "mistakes", "remarks")}
	for _, s := range subs {
		row := []string{cell(s.Name)}
		for _, p := range s.Columns() {
			earned := strconv.Itoa(p.Points)
			if s.Trouble != "" {
				earned = "" // which is no zero
			}
			row = append(row, earned, strconv.Itoa(p.Max))
		}
		for _, r := range s.Stages {
			row = append(row, r.State)
		}
		remarks := strings.ReplaceAll(strings.Join(s.remarks(g.Lang), "; "), "\n", " ") // a row is a line
		var titles []string
		for _, m := range s.mistakes(g.Lang) {
			if m.Diagnosis != "" && !slices.Contains(titles, m.Title) {
				titles = append(titles, m.Title)
			}
		}
		table = append(table, append(row, cell(strings.Join(titles, "; ")), cell(remarks)))
	}
	return table
}

// cell is a text that no spreadsheet takes for a formula, not even one that
// reads full-width signs as well.
func cell(text string) string {
	if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " ")); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}

// gradescope is the results.json of one submission, as Gradescope's documentation for autograders
// has it (https://gradescope-autograders.readthedocs.io/en/latest/specs/): the report, and a
// test for each step, with its level in its name and as its tag.
func (g *grader) gradescope(s *submission) map[string]any {
	score, tests := 0, []map[string]any{}
	for _, r := range s.Stages {
		for _, row := range r.Rows() {
			score += row.points
			test := shown(g.output(r, row))
			test["score"], test["max_score"], test["status"] = row.points, row.max, "failed"
			if row.mark == stepPassed {
				test["status"] = "passed"
			}
			test["name"] = fmt.Sprintf("%s: %s", say(g.Lang, row.ID), say(g.Lang, row.Title))
			if row.Level != "" {
				test["name"] = fmt.Sprintf("%s, stage %d: %s", row.Level, r.Stage, row.Title)
				test["number"], test["tags"] = row.ID, []golden.Level{row.Level}
			}
			tests = append(tests, test)
		}
	}
	result := shown(g.report(s, false))
	result["score"], result["execution_time"], result["tests"] = score, s.Seconds, tests
	return result
}

// shown is a text that students see.
func shown(text string) map[string]any {
	return map[string]any{"output": text, "output_format": "text", "visibility": "visible"}
}

// output is what a test tells, or why there was nothing to see.
func (g *grader) output(r *stageResult, step row) string {
	switch {
	case r.State != graded:
		return r.State + "\n  " + below(r.Problem)
	case g.Checks == "textbook":
		var all mistakes
		all.addRow(r, step, g.Lang)
		return strings.Join(g.mistakeLines(all.sorted(), len(all)), "\n")
	}
	var b strings.Builder
	if step.free > 0 {
		fmt.Fprintf(&b, "passed with all its points; checks that have no points failed: %d\n", step.free)
	}
	tell(&b, []row{step}, 1)
	return strings.TrimSpace(b.String())
}
