package main

import (
	"cmp"
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/term"
)

// report is everything that was measured, and how.
func (b *bench) report(rows []row) string {
	table := term.Table{{"row", "what", "the kit", "against", "the other", "ratio", "aim"}}
	var remarks strings.Builder
	for _, r := range rows {
		left := []string{strconv.Itoa(r.number), r.what, r.median(r.results[0])}
		for _, other := range r.results[1:] {
			table = append(table, append(left, other.name, r.median(other), r.ratio(other), r.aim(other)))
			left = []string{"", "", ""}
		}
		for _, c := range r.results {
			if len(r.values(c)) == 0 {
				why := cmp.Or[error](c.missing, excuse(runtime.GOOS+" does not tell"))
				fmt.Fprintf(&remarks, "row %d, %s: not measured: %v\n", r.number, c.name, why)
			}
			for round, s := range c.samples {
				if s["lost"] > 0 {
					fmt.Fprintf(&remarks, "row %d, %s, round %d: %v answers did not come\n", r.number, c.name, round+1, s["lost"])
				}
			}
		}
	}
	return table.String() + "\n" + remarks.String() + b.settings()
}

func (r row) median(c *contestant) string {
	if values := r.values(c); len(values) > 0 {
		return format(median(values), r.unit)
	}
	return "not measured"
}

// ratio is the kit's ratio to another, and how far the rounds are apart.
func (r row) ratio(other *contestant) string {
	ratios := r.ratios(other)
	if len(ratios) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s-%s)", digits(median(ratios)), digits(ratios[0]), digits(ratios[len(ratios)-1]))
}

// aim is the aim for the ratio to another, and whether it was missed.
func (r row) aim(other *contestant) string {
	if r.aims[other.name] == 0 {
		return ""
	}
	sign := map[bool]string{true: "≤", false: "≥"}[r.atMost]
	verdict := map[bool]string{true: ": missed", false: ""}[r.missed(other)]
	return fmt.Sprintf("%s %g%s", sign, r.aims[other.name], verdict)
}

// format writes a number for people, with three significant digits.
func format(v float64, unit string) string {
	prefixes := []string{"µ", "m", "", "k", "M", "G"}
	i := 2
	for ; v >= 1000 && i < len(prefixes)-1; i++ {
		v /= 1000
	}
	for ; v < 1 && unit == "s" && i > 0; i-- {
		v *= 1000
	}
	return digits(v) + " " + prefixes[i] + unit
}

// digits writes three significant digits.
func digits(v float64) string {
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(v)))), 64)
}

// settings says how everything was measured, and with what.
func (b *bench) settings() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d rounds. The numbers are medians. The ratios are medians of the ratios of each round (least-largest).\n"+
		"nginx has memory for each connection from its start, about 0.4 kB. Row 5 does not count it.\n", b.rounds)
	for _, k := range []kind{{"load", wrkCommand}, stage1, stage2, keeping, netHTTP, nginx, python} {
		fmt.Fprintf(&s, "%s: %s\n", k.name, k.command)
	}
	for _, t := range tools {
		path, err := b.find(t.name)
		version := fmt.Sprint(err)
		if err == nil {
			out, _ := exec.Command(path, t.version).CombinedOutput() // some print it and exit with status 1
			version = fmt.Sprintf("%.30q", out)
		}
		fmt.Fprintf(&s, "%s: %s\n", t.name, version)
	}
	return s.String()
}

// machine says on what bench runs, and when.
func machine() string {
	return fmt.Sprintf("%s/%s, %d processors, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
}
