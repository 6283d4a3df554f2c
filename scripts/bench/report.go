package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// A report is everything that was measured, and how.
type report struct {
	Rows        []*rowResult  `json:"rows"`
	Connections []point       `json:"connections,omitempty"`
	Grading     []gradingTime `json:"grading,omitempty"`
	Rounds      int           `json:"rounds"`
	Time        string        `json:"time"` // of one measurement under load
	Settings    []string      `json:"settings"`
	Missing     []string      `json:"missing,omitempty"`
	Versions    []version     `json:"versions"`
	Machine     machine       `json:"machine"`
	Date        time.Time     `json:"date"`
	Took        float64       `json:"seconds"` // in all, without building
}

func (b *bench) newReport() *report {
	r := &report{Rounds: b.rounds, Time: b.time.String(), Versions: versions(), Machine: thisMachine(), Date: time.Now()}
	load := "load: wrk -t1 -c32 (row 6: -c64 --latency), each time " + wrkTime(b.time)
	if b.short {
		load += "; connections: bench's own clients"
	}
	if _, err := findTool("wrk"); err != nil {
		load = "load: wrk is not installed, so 32 of bench's own clients on raw sockets (row 6: 64), each time " + b.time.String() +
			". They use more of the machine than wrk, so there are fewer requests/s, and ratios are closer to 1"
	}
	r.Settings = append(r.Settings, load)
	for _, k := range []kind{stage2, stage1, netHTTP, nginx, python} {
		r.Settings = append(r.Settings, k.name+": "+k.how)
	}
	for _, tool := range slices.Sorted(maps.Keys(tools)) {
		if _, err := findTool(tool); err != nil {
			r.Missing = append(r.Missing, err.Error())
		}
	}
	if b.most < idleConnections {
		r.Settings = append(r.Settings, fmt.Sprintf("the limit of open files (ulimit -n) allows %d connections, not %d", b.most, idleConnections))
	}
	return r
}

// printJSON prints the whole report, with every single measurement.
func printJSON(w io.Writer, r *report) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(r)
}

// A unit says what the numbers of a row count.
type unit string

const (
	perSecond      unit = "requests/s"
	bytesPerSecond unit = "bytes/s"
	bytesOfMemory  unit = "bytes"
	seconds        unit = "seconds"
)

// format writes a number for people, with three significant digits.
func (u unit) format(v float64) string {
	switch u {
	case perSecond:
		return thousands(v)
	case bytesPerSecond:
		return scaled(v, 1e3, "B/s", "kB/s", "MB/s", "GB/s")
	case bytesOfMemory:
		return scaled(v, 1e3, "B", "kB", "MB", "GB")
	case seconds:
		if v >= 1 {
			return digits(v) + " s"
		}
		return scaled(v*1e6, 1e3, "µs", "ms")
	}
	return digits(v)
}

// scaled writes a number in the first unit in which it is less than step. Each
// unit is step times the one before.
func scaled(v, step float64, units ...string) string {
	for math.Abs(v) >= step && len(units) > 1 {
		v, units = v/step, units[1:]
	}
	return digits(v) + " " + units[0]
}

// digits writes three significant digits.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
