package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/term"
)

// A Sheet is what the textbook's checks found in a program.
type sheet struct {
	Name    string          `json:"name"`
	Command string          `json:"command"`
	Results []golden.Result `json:"results"`
	Points  int             `json:"points"`
	Of      int             `json:"of"`
	Remarks []string        `json:"remarks"` // what the checks found, and did about it
	Trouble string          `json:"trouble"` // why there are no results that count
}

// examine runs the textbook's checks on a program, as grade -checks textbook does.
func (c *comparison) examine(ctx context.Context, n int) (*sheet, error) {
	p := c.programs[n-1]
	rubric, err := golden.ReadRubric([]byte("{}"))
	if err != nil {
		return nil, err
	}
	s, notes := &sheet{Name: fmt.Sprintf("program %d", n), Command: strings.Join(p.words, " ")}, &golden.Notes{}
	program := golden.Program{Args: p.words, Foreign: true, Addr: p.addr, Dir: p.dir, Notes: notes,
		Again: fmt.Sprintf(" -checks textbook -cmd %q %s", p.command, p.dir)}
	s.Results = golden.Grade(ctx, append(golden.Textbook(1, rubric), golden.Textbook(2, rubric)...), program, rand.Uint64())
	for step := range golden.ByStep(s.Results) {
		earned, most := golden.Score(step)
		s.Points, s.Of = s.Points+earned, s.Of+most
	}
	if s.Remarks, s.Trouble = notes.Remarks, notes.Trouble; p.remark != "" {
		s.Remarks = append(s.Remarks, p.remark)
	}
	return s, nil
}

// sheet is what the page asks for.
func (c *comparison) sheet(r *http.Request) (any, error) {
	var s settings
	if err := readJSON(r, &s); err != nil {
		return nil, err
	}
	if err := c.check(s); err != nil || s.Program == 0 {
		return nil, fmt.Errorf("the checks of the textbook are for a program of -with (%v)", err)
	}
	return c.examine(r.Context(), s.Program)
}

func (c *comparison) printSheets(ctx context.Context, w io.Writer) error {
	for i := range c.programs {
		s, err := c.examine(ctx, i+1)
		if err != nil {
			return err
		}
		if s.Trouble != "" {
			fmt.Fprintf(w, "%s: %s: not graded\n  ! %s\n", s.Name, term.Visible(s.Command), strings.ReplaceAll(term.Visible(s.Trouble), "\n", "\n    "))
			continue
		}
		fmt.Fprintf(w, "%s: %s: %d of %d points\n", s.Name, term.Visible(s.Command), s.Points, s.Of)
		for _, r := range s.Results {
			if r.Status != golden.Passed {
				fmt.Fprint(w, r)
			}
			for _, d := range r.Deductions {
				if d.Diagnosis == r.Diagnosis { // told already
					fmt.Fprintf(w, "  costs: %d\n", d.Points)
				} else {
					fmt.Fprintf(w, "%s %s: costs %d\n  why:   %s\n", r.Step, r.Name, d.Points, strings.Join(term.Wrap(d.Why, term.Width-9), "\n         "))
				}
			}
		}
	}
	return nil
}
