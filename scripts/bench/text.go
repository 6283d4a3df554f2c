package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printText prints the report for people.
func printText(w io.Writer, r *report) error {
	out := &strings.Builder{}
	printRows(out, r.Rows)
	printConnections(out, r.Connections)
	printGrading(out, r.Grading)
	fmt.Fprintf(out, "%d rounds. The numbers are medians [least-most]. The ratios are medians of the ratios of each round.\n", r.Rounds)
	for _, s := range r.Settings {
		fmt.Fprintln(out, s)
	}
	for _, m := range r.Missing {
		fmt.Fprintln(out, "missing:", m)
	}
	for _, v := range r.Versions {
		fmt.Fprintf(out, "%s: %s\n", v.Program, v.Version)
	}
	fmt.Fprintf(out, "machine: %s\n%s; measured in %.0f s\n", r.Machine, r.Date.Format("2006-01-02 15:04 MST"), r.Took)
	_, err := io.WriteString(w, out.String())
	return err
}

// printRows prints the table, with the contestants below each row.
func printRows(w io.Writer, rows []*rowResult) {
	if len(rows) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\twhat\tours\tagainst\ttheirs\tratio\twant\tholds")
	for _, r := range rows {
		ours, others := r.Contestants[0], r.Contestants[1:]
		what := r.What
		if r.Unit == perSecond { // only numbers of this unit do not name it
			what += ", " + string(r.Unit)
		}
		first := fmt.Sprintf("%d\t%s\t%s", r.Row, what, r.cell(ours))
		if len(others) == 0 {
			fmt.Fprintf(t, "%s\t\t\t\t%s\t%s\n", first, r.wanted(ours), holds(ours))
		}
		for _, c := range others {
			ratio := ""
			if c.Ratio != 0 {
				ratio = fmt.Sprintf("%.2f", c.Ratio)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", first, c.Name, r.cell(c), ratio, r.wanted(c), holds(c))
			first = "\t\t"
		}
	}
	t.Flush() // writing to a string cannot fail
	for _, r := range rows {
		for _, c := range r.Contestants {
			if c.NotMeasured != "" {
				fmt.Fprintf(w, "row %d, %s: not measured: %s\n", r.Row, c.Name, c.NotMeasured)
			}
			for _, note := range c.Notes {
				fmt.Fprintf(w, "row %d, %s: %s\n", r.Row, c.Name, note)
			}
		}
	}
	fmt.Fprintln(w)
}

// cell is a contestant's number and its spread.
func (r *rowResult) cell(c *contestantResult) string {
	switch {
	case !c.measured():
		return "not measured"
	case len(c.Values) == 1:
		return r.Unit.format(c.Median)
	}
	least, most := r.Unit.format(c.Min), r.Unit.format(c.Max)
	if number, name, ok := strings.Cut(least, " "); ok && strings.HasSuffix(most, " "+name) {
		least = number // their unit is said once
	}
	return fmt.Sprintf("%s [%s-%s]", r.Unit.format(c.Median), least, most)
}

func (r *rowResult) wanted(c *contestantResult) string {
	switch {
	case c.Want == 0:
		return ""
	case r.AtMost:
		return fmt.Sprintf("<= %g", c.Want)
	}
	return fmt.Sprintf(">= %g", c.Want)
}

func holds(c *contestantResult) string {
	switch {
	case c.Holds != nil && *c.Holds:
		return "yes"
	case c.Holds != nil:
		return "no"
	case c.Want != 0:
		return "not measured"
	}
	return ""
}

func printConnections(w io.Writer, points []point) {
	if len(points) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "connections\tserver\trequests/s\tmemory\t")
	var remarks []string
	for _, p := range points {
		rate, memory := "not measured", "not measured"
		if p.Requests > 0 {
			rate = perSecond.format(p.Requests)
		}
		if p.Memory > 0 {
			memory = bytesOfMemory.format(float64(p.Memory))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", thousands(float64(p.Connections)), p.Server, rate, memory)
		for _, remark := range []string{p.NotMeasured, p.Note} {
			if remark != "" {
				remarks = append(remarks, fmt.Sprintf("%d connections, %s: %s\n", p.Connections, p.Server, remark))
			}
		}
	}
	t.Flush() // to a string: it cannot fail
	fmt.Fprintln(w, strings.Join(remarks, ""))
}

func printGrading(w io.Writer, times []gradingTime) {
	if len(times) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "submissions\tgraded in\teach\t")
	for _, g := range times {
		remark := ""
		if g.Failed {
			remark = "some checks failed: perhaps the machine was too busy"
		}
		fmt.Fprintf(t, "%d\t%.1f s\t%.2f s\t%s\n", g.Submissions, g.Seconds, g.Each, remark)
	}
	t.Flush() // to a string: it cannot fail
	verdict := "yes"
	if !linear(times) {
		verdict = "no"
	}
	fmt.Fprintf(w, "no worse than linear: %s\n\n", verdict)
}
