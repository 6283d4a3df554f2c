package golden

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"weblab.example/scripts/internal/verdict"
)

// noteOf names the page of lab-notes to read, and the section in it: a step has a page.
func noteOf(diagnosis string, c Check) string {
	note := verdict.Note(diagnosis, c.Step)
	if c.Stage == 2 && note == "steps/1.1.md" {
		note = "steps/2.1.md" // which has stage 2's own loop
	}
	if note == "" {
		step := StepOf(c.Step)
		if step.Level == "" { // the textbook's have no page of their own
			step.ID = []string{"1.2", "1.2", "2.1", "3.1"}[step.Stage]
		}
		note = "steps/" + step.ID + ".md"
	}
	return "lab-notes/" + note
}

// gaps are the steps that a program has turned out not to have: functions of
// theirs are still as they were handed out, and say so when they are called.
type gaps struct {
	mu    sync.Mutex
	texts map[string]string // "1.3 is not written yet: ...", by step
}

// find looks for such texts in a line of what a program says.
func (g *gaps) find(line string) {
	for {
		_, after, ok := strings.Cut(line, "step ")
		if !ok {
			return
		}
		if line = after; len(after) > 3 && strings.HasPrefix(after[3:], " is not written yet") {
			text, _, _ := strings.Cut(strings.TrimRight(after, "\r\n"), `"`) // in a log it is quoted
			g.mu.Lock()
			g.texts[after[:3]] = text
			g.mu.Unlock()
		}
	}
}

// gap is what was said about a step, or "" when nothing was.
func (g *gaps) gap(step string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.texts[step]
}

// steps lists the steps that are not written, in order.
func (g *gaps) steps() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.texts))
}

// in reports whether a text says that a step is not written.
func (g *gaps) in(text string) bool { return g.without(text) != text }

// without is a text without what it says about steps that are not written. A
// right step needs no later one, so that is no reason why it fails.
func (g *gaps) without(text string) string {
	for _, step := range g.steps() {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "step "+g.gap(step), "…"), g.gap(step), "…")
	}
	return text
}
