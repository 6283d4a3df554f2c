package main

import (
	"fmt"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/term"
)

// screen is how many lines a student's report has at most.
const screen = 24

// studentReport is at most a screen: the points, and the mistakes, the most expensive first,
// with as many of them in full as there is room for.
func (g *grader) studentReport(s *submission) string {
	mistakes := s.mistakes(g.Lang)
	head, foot := g.pointLines(s), g.footLines(s, mistakes)
	var free []string
	for i, m := range mistakes {
		if m.Lost == 0 {
			for _, m := range mistakes[i:] {
				free = append(free, m.Title)
			}
			mistakes = mistakes[:i]
			foot = append(wrapped("   0  "+say(g.Lang, "no points lost: "), strings.Join(free, ", ")), foot...)
			break
		}
	}
	room := screen - len(head) - len(foot)
	full := len(mistakes)
	for full > 0 && lineCount(g.mistakeLines(mistakes, full)) > room {
		full--
	}
	lines := g.mistakeLines(mistakes, full)
	if more := lineCount(lines) - room; more > 0 {
		lines = append(lines[:max(0, len(lines)-more-1)], "      "+fmt.Sprintf(say(g.Lang, "and %d more, in the HTML report (-out DIR)"), more+1))
	}
	return strings.Join(append(append(head, lines...), foot...), "\n") + "\n"
}

// lineCount is how many lines of a terminal some lines take: long ones take more.
func lineCount(lines []string) (n int) {
	for _, line := range lines {
		n += 1 + max(0, term.Columns(line)-1)/term.Width
	}
	return n
}

// pointLines are the points, and what the grader remarks.
func (g *grader) pointLines(s *submission) (lines []string) {
	total := s.Total()
	name := shorten(s.Name, term.Width-30, "...") + ": "
	if s.Trouble != "" {
		return append(lines, name+say(g.Lang, "not graded"), indent(s.Trouble, "  "))
	}
	lines = append(lines, name+fmt.Sprintf(say(g.Lang, "%d of %d points"), total.Points, total.Max))
	var table term.Table
	for _, r := range s.Stages {
		for _, row := range rowsOf(r.Results) {
			table = append(table, []string{"", say(g.Lang, row.ID), fmt.Sprintf("%3d/%d", row.points, row.max), say(g.Lang, row.Title)})
		}
		if r.Problem != "" {
			first, _, _ := strings.Cut(r.Problem, "\n")
			table = append(table, []string{"", shorten(first, term.Width-4, "...")})
		}
	}
	lines = append(lines, strings.Split(strings.TrimRight(table.String(), "\n"), "\n")...)
	for _, remark := range s.Remarks {
		lines = append(lines, shorten("  "+say(g.Lang, "note")+": "+remark, term.Width, "..."))
	}
	return lines
}

// footLines are how to repeat a check, and where to go on.
func (g *grader) footLines(s *submission, mistakes []mistake) (lines []string) {
	switch {
	case s.Trouble != "":
		return nil
	case len(mistakes) == 0 && s.passed():
		lines = append(lines, "", say(g.Lang, "No mistake was found."))
	}
	if i := slices.IndexFunc(mistakes, func(m mistake) bool { return m.Again != "" }); i >= 0 {
		lines = append(lines, "", say(g.Lang, "One check again:"), "  "+mistakes[i].Again)
	}
	more := 0
	for _, r := range s.Stages {
		if r.Stage != 2 { // which answers as stage 1 does
			more += len(golden.Checks(r.Stage))
		}
	}
	return append(lines, wrapped("", fmt.Sprintf(say(g.Lang, "For no points: what HTTP/1.1 asks beyond the assignment is in %d more checks, -checks golden"), more))...)
}

// mistakeLines tells of mistakes, of so many in full, and of each of the others in a line.
func (g *grader) mistakeLines(mistakes []mistake, full int) (lines []string) {
	for i, m := range mistakes {
		title := fmt.Sprintf("%4d  %s", -m.Lost, m.Heading())
		lines = append(lines, shorten(title, term.Width, "..."))
		if i >= full {
			continue
		}
		seen, _, _ := strings.Cut(m.Seen, "\n")
		for _, part := range [][2]string{{"seen", shorten(seen, 2*(term.Width-14), " ...")}, {"why", m.Why}, {"read", m.Note}} {
			if part[1] != "" {
				label := say(g.Lang, part[0])
				lines = append(lines, wrapped("      "+label+strings.Repeat(" ", max(1, 6-term.Columns(label))), strings.ReplaceAll(part[1], "\n", " "))...)
			}
		}
	}
	return lines
}

// wrapped is a text behind a label, wrapped below itself.
func wrapped(label, text string) []string {
	margin := strings.Repeat(" ", term.Columns(label))
	lines := term.Wrap(text, term.Width-term.Columns(label))
	for i := range lines {
		lines[i] = margin + lines[i]
	}
	lines[0] = label + lines[0][len(margin):]
	return lines
}
