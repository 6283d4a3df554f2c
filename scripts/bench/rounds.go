package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A rowResult is the result of a row.
type rowResult struct {
	Row         int                 `json:"row"`
	What        string              `json:"what"`
	Unit        unit                `json:"unit"`
	AtMost      bool                `json:"at_most"` // less is better
	Contestants []*contestantResult `json:"contestants"`
}

// A contestantResult is the result of one contestant in a row. It has numbers only
// if the contestant was measured in every round.
type contestantResult struct {
	Name        string    `json:"name"`
	Values      []float64 `json:"values,omitempty"` // one for each round
	Median      float64   `json:"median,omitempty"`
	Min         float64   `json:"min,omitempty"`
	Max         float64   `json:"max,omitempty"`
	Ratios      []float64 `json:"ratios,omitempty"` // of the kit's number to this one's, one for each round
	Ratio       float64   `json:"ratio,omitempty"`  // their median
	Want        float64   `json:"want,omitempty"`
	Holds       *bool     `json:"holds,omitempty"`
	NotMeasured string    `json:"not_measured,omitempty"` // why
	Notes       []string  `json:"notes,omitempty"`
}

func (c *contestantResult) measured() bool { return c.NotMeasured == "" && len(c.Values) > 0 }

// takeTurns measures a row. Each round measures every contestant once, in an order
// that rotates. A contestant that is not installed or fails is left out, and the
// others go on. The error says what failed.
func (b *bench) takeTurns(ctx context.Context, r row) (*rowResult, error) {
	result := &rowResult{Row: r.number, What: r.what, Unit: r.unit, AtMost: r.atMost}
	for _, c := range r.contestants {
		cr := &contestantResult{Name: c.name, Want: c.want}
		if _, err := findTool(c.tool); err != nil {
			cr.NotMeasured = err.Error()
		}
		result.Contestants = append(result.Contestants, cr)
	}
	var trouble []error
	for round := range b.rounds {
		for _, i := range rotated(len(r.contestants), round) {
			c, cr := r.contestants[i], result.Contestants[i]
			if cr.NotMeasured != "" {
				continue
			}
			b.progress.now("row %d, round %d of %d: %s", r.number, round+1, b.rounds, c.name)
			m, err := c.measure(ctx)
			if ctx.Err() != nil {
				return result, ctx.Err()
			}
			if err != nil {
				cr.NotMeasured = err.Error()
				if !errors.Is(err, errNotHere) {
					trouble = append(trouble, fmt.Errorf("row %d, %s: %w", r.number, c.name, err))
				}
				continue
			}
			cr.Values = append(cr.Values, m.value)
			if m.note != "" && !slices.Contains(cr.Notes, m.note) {
				cr.Notes = append(cr.Notes, m.note)
			}
		}
	}
	result.compare()
	b.progress.done("row %d: %s", r.number, r.what)
	return result, errors.Join(trouble...)
}

// compare turns the measurements into medians, ratios and verdicts.
func (r *rowResult) compare() {
	ours := r.Contestants[0]
	for _, c := range r.Contestants {
		if !c.measured() {
			c.Values = nil // they are of some rounds only, and cannot be paired with the others
			continue
		}
		c.Median, c.Min, c.Max = median(c.Values), slices.Min(c.Values), slices.Max(c.Values)
	}
	for _, c := range r.Contestants {
		verdictOn := c.Median // in a row of the kit alone
		if c != ours {
			if !c.measured() || !ours.measured() {
				continue
			}
			c.Ratios = pairedRatios(ours.Values, c.Values)
			c.Ratio = median(c.Ratios)
			verdictOn = c.Ratio
		}
		if c.Want != 0 && c.measured() {
			holds := verdictOn >= c.Want
			if r.AtMost {
				holds = verdictOn <= c.Want
			}
			c.Holds = &holds
		}
	}
}
