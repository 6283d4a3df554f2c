package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A test measures the kit's program and others in the same way. One measurement may
// serve several rows of the table.
type test struct {
	contestants []*contestant // the first is the kit's
	rows        []row
}

// A contestant is measured in a test, once in each round.
type contestant struct {
	name    string
	measure func(context.Context) (sample, error)
	samples []sample
	missing error // why some are missing
}

// A sample is the numbers of one measurement, by their unit. Some are not in each:
//
//	/s    requests that were answered, each second
//	B/s   bytes that came, each second
//	s     seconds: of a download, or of 99 of 100 answers at most
//	B     bytes of memory
//	lost  answers that did not come
type sample map[string]float64

// A row is one line of the table, or one for each of the others.
type row struct {
	number  int
	what    string
	unit    string
	atMost  bool               // less is better, and the aims are upper limits
	aims    map[string]float64 // by contestant: for the ratio of the kit's number to this one's
	results []*contestant      // the first is the kit's
}

// takeTurns measures a test and fills in its rows. Each round measures every contestant
// once, and begins with another one, because the first may find the machine in another
// state than the others. A contestant that is not installed or fails is left out, and
// the others go on. The error says what failed.
func (b *bench) takeTurns(ctx context.Context, t test) (trouble error) {
	for round := range b.rounds {
		for turn := range t.contestants {
			c := t.contestants[(turn+round)%len(t.contestants)]
			if c.missing != nil {
				continue
			}
			b.progress.Now("row %d, round %d of %d: %s", t.rows[0].number, round+1, b.rounds, c.name)
			s, err := c.measure(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil && !errors.As(err, new(excuse)) {
				trouble = errors.Join(trouble, fmt.Errorf("row %d, %s: %w", t.rows[0].number, c.name, err))
			}
			c.samples, c.missing = append(c.samples, s), err
		}
	}
	for i := range t.rows {
		t.rows[i].results = t.contestants
		b.progress.Done("row %d: %s", t.rows[i].number, t.rows[i].what)
	}
	return trouble
}

// values are a contestant's numbers, one of each round. A contestant that failed has
// none, because those of some rounds have no partners in the others' rounds.
func (r row) values(c *contestant) (values []float64) {
	for _, s := range c.samples {
		if v := s[r.unit]; v > 0 && c.missing == nil {
			values = append(values, v)
		}
	}
	return values
}

// ratios are those of the kit's numbers to another's, round by round, in order of size.
// If something slows the machine for a whole round, it slows both, and their ratio stays
// the same.
func (r row) ratios(other *contestant) (ratios []float64) {
	ours, theirs := r.values(r.results[0]), r.values(other)
	if len(ours) == len(theirs) {
		for i := range ours {
			ratios = append(ratios, ours[i]/theirs[i])
		}
	}
	slices.Sort(ratios)
	return ratios
}

// missed reports whether the ratio to another was measured, and is not as it should be.
func (r row) missed(other *contestant) bool {
	ratio, aim := median(r.ratios(other)), r.aims[other.name]
	return aim != 0 && (r.atMost && ratio > aim || !r.atMost && ratio < aim)
}

// median is the value in the middle, or the mean of the two values there. One round
// in which the machine had other work changes a mean, but hardly a median.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
