package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/term"
)

const width = 80 // columns of a terminal

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

// print prints the sheet in the format that was asked for.
func (g *grader) print(w io.Writer, subs []*submission) error {
	var b bytes.Buffer
	if err := g.encode(&b, subs); err != nil {
		return err
	}
	return show(w, b.String())
}

func (g *grader) encode(w io.Writer, subs []*submission) error {
	switch g.format {
	case "json":
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(map[string]any{"checks": g.checks, "level": g.level, "seed": g.seed, "submissions": subs})
	case "csv":
		return writeCSV(w, subs)
	case "gradescope":
		return writeGradescope(w, subs[0])
	}
	if len(g.folders) == 0 {
		_, err := io.WriteString(w, g.report(subs[0], false))
		return err
	}
	_, err := io.WriteString(w, g.sheet(subs))
	return err
}

// A mark says how a step did.
type mark string

const (
	stepPassed mark = "passed"
	stepFailed mark = "FAILED"
	stepNotRun mark = "not run"
)

// A step is the results of one step, in the order of the checks.
type step struct {
	golden.Step
	results     []golden.Result
	points, max int
}

func stepsOf(results []golden.Result) (steps []step) {
	for start, end := 0, 0; start < len(results); start = end {
		s := step{Step: golden.StepOf(results[start].Step)}
		for end < len(results) && results[end].Step == s.ID {
			end++
		}
		s.results = results[start:end]
		s.points, s.max = golden.Score(s.results)
		steps = append(steps, s)
	}
	return steps
}

// costsNothing is how many checks failed in a step that has all its points: they have
// none. In a step without points, of one check alone, that one counts.
func (s step) costsNothing() (failed int) {
	for _, c := range s.results {
		if c.Status == golden.Failed && c.Weight == 0 && s.points == s.max && s.max > 0 {
			failed++
		}
	}
	return failed
}

func (s step) mark() mark {
	m := stepNotRun
	for _, c := range s.results {
		switch {
		case c.Status == golden.Failed && (c.Weight > 0 || s.costsNothing() == 0):
			return stepFailed
		case c.Status == golden.Passed && m == stepNotRun:
			m = stepPassed
		}
	}
	for _, c := range s.results {
		if c.Status == golden.NotRun && !c.Excused() {
			return stepNotRun
		}
	}
	return m
}

// report tells of one submission: a table for each stage, the first failure in
// full, the others in a line each, or with all of them in full.
func (g *grader) report(s *submission, all bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, checks: %s, seed %d\n", s.Name, g.checks, g.seed)
	if s.Trouble == "" && s.total().Max > 0 {
		for _, p := range append(s.Parts, s.total()) {
			fmt.Fprintf(&b, "%-9s %d/%d\n", p.Name, p.Points, p.Max)
		}
	}
	for _, remark := range s.Remarks {
		fmt.Fprintln(&b, indent("note: "+remark, "  "))
	}
	told := false
	for _, r := range s.Stages {
		fmt.Fprintf(&b, "\n%s: %s\n", kit.Folder(r.Stage), r.summary())
		if r.Problem != "" {
			fmt.Fprintln(&b, indent(r.Problem, "  "))
		}
		if r.State != graded {
			continue
		}
		own, same, of := s.own(r)
		steps := stepsOf(own)
		free := 0 // checks that failed, in steps that have all their points
		for _, step := range steps {
			points := fmt.Sprintf("%3d/%-3d", step.points, step.max)
			if step.max == 0 {
				points = "" // of one check alone
			}
			if step.Stage != r.Stage {
				continue
			}
			mark := string(step.mark())
			if n := step.costsNothing(); n > 0 {
				free += n
				mark += "*"
			}
			fmt.Fprintf(&b, "  %-8s %-8s %-7s  %s\n", step.ID, mark, points, step.Title)
		}
		if free > 0 {
			fmt.Fprintf(&b, "  * with all its points; checks that have no points failed: %d, see below\n", free)
		}
		if of > 0 {
			fmt.Fprintf(&b, "  the same answers as stage 1: %d of %d\n", same, of)
		}
		for _, step := range steps {
			const most = 8 // lines for a step
			lines, more := 0, 0
			for i, c := range step.results {
				switch {
				case c.Status != golden.Failed:
				case c.Diagnosis == "not-written" && i > 0: // which the first has said
				case !told || all:
					told = true
					fmt.Fprintf(&b, "\n%s\n", c)
				case lines < most:
					lines++
					fmt.Fprintln(&b, line(c))
				default:
					more++
				}
			}
			if more > 0 {
				fmt.Fprintf(&b, "  %s and %d more; -out DIR writes all of them\n", step.ID, more)
			}
		}
		for _, why := range notRunBecause(steps) {
			fmt.Fprintln(&b, indent("not run: "+why, "  "))
		}
		if len(r.Adds) > 0 {
			fmt.Fprintf(&b, "\n  For no points, the checks of -checks golden would add:\n")
			for _, add := range r.Adds {
				fmt.Fprintln(&b, indent(add, "    "))
			}
		}
	}
	return b.String()
}

// notRunBecause lists what was not run, and why: a line for each reason.
func notRunBecause(steps []step) (lines []string) {
	const most = 12 // names for a reason
	var reasons []string
	names := map[string][]string{} // of steps that were not run at all, and of checks, by reason
	for _, step := range steps {
		whole := !slices.ContainsFunc(step.results, func(c golden.Result) bool {
			return c.Status != golden.NotRun || c.Why != step.results[0].Why
		})
		for i, c := range step.results {
			if c.Status != golden.NotRun || whole && i > 0 {
				continue
			}
			name := c.Step
			if !whole {
				name += " " + c.Name
			}
			if names[c.Why] == nil {
				reasons = append(reasons, c.Why)
			}
			names[c.Why] = append(names[c.Why], name)
		}
	}
	for _, why := range reasons {
		list := names[why]
		if len(list) > most {
			list = append(list[:most:most], fmt.Sprintf("and %d more", len(list)-most))
		}
		lines = append(lines, strings.Join(list, ", ")+": "+why)
	}
	return lines
}

func (r *stageResult) summary() string {
	if r.State != graded {
		return fmt.Sprintf("%s, 0 of %d points", r.State, r.Max)
	}
	checks, passed, failed := 0, 0, 0
	for _, c := range r.Results {
		if golden.StepOf(c.Step).Stage != r.Stage {
			continue
		}
		checks++
		switch c.Status {
		case golden.Passed:
			passed++
		case golden.Failed:
			failed++
		}
	}
	switch {
	case checks == 0:
		return "no step of its own"
	case r.Max == 0: // of one check alone
		return fmt.Sprintf("%d of %d checks passed", passed, checks)
	}
	return fmt.Sprintf("%d of %d points, %d failed", r.Points, r.Max, failed)
}

// line is a failure in one line.
func line(c golden.Result) string {
	why := c.Why
	if c.Diagnosis == "wrong-status" || c.Diagnosis == "not-said" || c.Diagnosis == "exit-status" {
		why = c.Want // which says more in a line
	}
	text := fmt.Sprintf("  %s %s: %s", c.Step, c.Name, strings.ReplaceAll(why, "\n", " "))
	if term.Columns(text) <= width {
		return text
	}
	return term.Wrap(text, width-4)[0] + " ..."
}

// indent wraps a text and puts a margin before each line.
func indent(text, margin string) string {
	return margin + strings.Join(term.Wrap(text, width-len(margin)), "\n"+margin)
}

// sheet has a row for each submission and a column for each level.
func (g *grader) sheet(subs []*submission) string {
	const widest = 32 // columns for a name; the remarks have it in full
	wide := len("submission")
	for _, s := range subs {
		wide = min(widest, max(wide, term.Columns(s.Name)))
	}
	var b strings.Builder
	row := func(name string, cells []string) {
		if term.Columns(name) > wide {
			name = term.Wrap(name, wide-3)[0] + "..."
		}
		line := name + strings.Repeat(" ", wide-term.Columns(name))
		for _, cell := range cells {
			line += fmt.Sprintf("  %-13s", cell)
		}
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	var head []string
	for _, p := range append(subs[0].Parts, subs[0].total()) {
		head = append(head, p.Name)
	}
	row("submission", head)
	for _, s := range subs {
		cells := []string{"not graded"}
		if s.Trouble == "" {
			cells = nil
			for _, p := range append(s.Parts, s.total()) {
				cells = append(cells, fmt.Sprintf("%d/%d", p.Points, p.Max))
			}
		}
		row(s.Name, cells)
	}
	fmt.Fprintf(&b, "\nchecks: %s, seed %d\n", g.checks, g.seed)
	for _, s := range subs {
		for _, remark := range s.remarks() {
			fmt.Fprintln(&b, indent(s.Name+": "+below(remark), ""))
		}
	}
	return b.String()
}

// remarks are a submission's remarks, and for each stage the first thing that
// went wrong.
func (s *submission) remarks() []string {
	remarks := append([]string{}, s.Remarks...)
	if s.Trouble != "" {
		return append(remarks, s.Trouble)
	}
	for _, r := range s.Stages {
		if r.Problem != "" {
			remarks = append(remarks, r.Problem)
		}
		if r.State == notSubmitted {
			remarks = append(remarks, fmt.Sprintf("stage %d: not submitted", r.Stage))
		}
		own, _, _ := s.own(r)
		for _, c := range own {
			if r.State == graded && c.Status != golden.Passed && !c.Excused() {
				remarks = append(remarks, fmt.Sprintf("stage %d, %s %s: %s", r.Stage, c.Step, c.Name, c.Why))
				break
			}
		}
	}
	return remarks
}

// writeReports writes each submission's full report to -out.
func (g *grader) writeReports(subs []*submission) error {
	if err := os.MkdirAll(g.out, 0o755); err != nil {
		return err
	}
	for _, s := range subs {
		if err := os.WriteFile(filepath.Join(g.out, fileName(s.Name)+".txt"), []byte(term.Visible(g.report(s, true))), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fileName is a name without what some systems do not allow in one. Of a long
// one the middle is left out: its end tells it from others.
func fileName(name string) string {
	const most, end = 200, 40 // bytes; systems allow 255
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most-end], "") + "..." + strings.ToValidUTF8(name[len(name)-end:], "")
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, name)
}

// cell is a text that no spreadsheet takes for a formula, not even one that
// reads full-width signs as well.
func cell(text string) string {
	if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " ")); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}

func writeCSV(w io.Writer, subs []*submission) error {
	out := csv.NewWriter(w)
	head := []string{"submission"}
	for _, p := range append(subs[0].Parts, subs[0].total()) {
		head = append(head, p.Name, p.Name+"_max")
	}
	for _, r := range subs[0].Stages {
		head = append(head, fmt.Sprintf("stage%d", r.Stage))
	}
	out.Write(append(head, "remarks"))
	for _, s := range subs {
		row := []string{cell(s.Name)}
		for _, p := range append(s.Parts, s.total()) {
			earned := strconv.Itoa(p.Points)
			if s.Trouble != "" {
				earned = "" // which is no zero
			}
			row = append(row, earned, strconv.Itoa(p.Max))
		}
		for _, r := range s.Stages {
			row = append(row, r.State)
		}
		remarks := strings.ReplaceAll(strings.Join(s.remarks(), "; "), "\n", " ") // a row is a line
		out.Write(append(row, cell(remarks)))
	}
	out.Flush()
	return out.Error()
}

// A bar shows on a terminal how many submissions are done.
type bar struct {
	mu       sync.Mutex
	w        io.Writer // nil when there is no terminal
	done, of int
}

func newBar(w io.Writer, of int) *bar {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(f) {
		return &bar{}
	}
	b := &bar{w: f, of: of}
	b.draw("")
	return b
}

func (b *bar) draw(name string) {
	if b.w != nil {
		const cells = 30
		full := cells * b.done / b.of
		fmt.Fprintf(b.w, "\r\x1b[K[%s%s] %d of %d %.30s", strings.Repeat("#", full), strings.Repeat(".", cells-full), b.done, b.of, name)
	}
}

func (b *bar) step(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	b.draw(name)
}

func (b *bar) end() {
	if b.w != nil {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
