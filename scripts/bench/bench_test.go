package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-time", "1ms"}, {"-time", "1h"}, {"-only", "10"}, {"-only", "1,,2"}, {"-no-such-flag"}, {"3"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v, want wrong use", args, err)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{3}, 3},
		{"odd, not sorted", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 2, 9}, 3},
		{"one far away", []float64{1, 1, 1, 1000}, 1},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	if got := quantile(hundred, 0.99); got != 99 {
		t.Errorf("of 1 to 100: %d, want 99", got)
	}
	if got := quantile(hundred[:2], 0.99); got != 2 {
		t.Errorf("of two: %d, want the larger", got)
	}
	if got := quantile([]int(nil), 0.99); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

func TestRotated(t *testing.T) {
	var got [][]int
	for round := range 4 {
		got = append(got, rotated(3, round))
	}
	if diff := cmp.Diff([][]int{{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {0, 1, 2}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// sample is a row in which a slow second round slows both, which the ratio of
// the medians would not see.
func sample(atMost bool, want float64) *rowResult {
	r := &rowResult{Row: 1, What: "this & that", Unit: perSecond, AtMost: atMost, Contestants: []*contestantResult{
		{Name: "ours", Values: []float64{200, 100, 220}},
		{Name: "theirs", Values: []float64{100, 50, 100}, Want: want},
		{Name: "broken", Values: []float64{1}, NotMeasured: "it <broke>", Want: 1},
		{Name: "missing", NotMeasured: "not installed"},
	}}
	r.compare()
	return r
}

func TestCompare(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name   string
		atMost bool
		want   float64
		holds  *bool
	}{
		{"enough", false, 2, &yes},
		{"not enough", false, 2.1, &no},
		{"little enough", true, 2, &yes},
		{"too much", true, 1.9, &no},
		{"nothing wanted", true, 0, nil},
	} {
		r := sample(c.atMost, c.want)
		want := []*contestantResult{
			{Name: "ours", Values: []float64{200, 100, 220}, Median: 200, Min: 100, Max: 220},
			{Name: "theirs", Values: []float64{100, 50, 100}, Median: 100, Min: 50, Max: 100, Ratios: []float64{2, 2, 2.2}, Ratio: 2, Want: c.want, Holds: c.holds},
			{Name: "broken", NotMeasured: "it <broke>", Want: 1},
			{Name: "missing", NotMeasured: "not installed"},
		}
		if diff := cmp.Diff(want, r.Contestants); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	alone := &rowResult{AtMost: true, Contestants: []*contestantResult{{Name: "ours", Values: []float64{3}, Want: 4}}}
	alone.compare()
	if c := alone.Contestants[0]; c.Holds == nil || !*c.Holds || c.Ratio != 0 {
		t.Errorf("3 of at most 4: %+v", c)
	}
}

func TestLinear(t *testing.T) {
	for _, c := range []struct {
		name string
		each []float64
		want bool
	}{
		{"nothing", nil, true},
		{"one", []float64{5}, true},
		{"less and less", []float64{5, 3, 2.9}, true},
		{"the same, but for noise", []float64{5, 5.5, 5.4}, true},
		{"grows at the end", []float64{5, 3, 4}, false},
	} {
		var times []gradingTime
		for _, each := range c.each {
			times = append(times, gradingTime{Each: each})
		}
		if got := linear(times); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		unit  unit
		value float64
		want  string
	}{
		{perSecond, 1234567.8, "1,234,568"},
		{perSecond, 999, "999"},
		{bytesPerSecond, 4.774e9, "4.77 GB/s"},
		{bytesOfMemory, 527, "527 B"},
		{bytesOfMemory, 16_840, "16.8 kB"},
		{seconds, 0.00391, "3.91 ms"},
		{seconds, 0.000186, "186 µs"},
		{seconds, 12.34, "12.3 s"},
	} {
		if got := c.unit.format(c.value); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestText(t *testing.T) {
	var out strings.Builder
	err := printText(&out, &report{Rows: []*rowResult{sample(false, 2.1)}, Connections: samplePoints, Grading: []gradingTime{{Submissions: 1, Seconds: 2, Each: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"this & that, requests/s", "200 [100-220]", "theirs", "2.00", ">= 2.1", "no\n", "row 1, broken: not measured: it <broke>",
		"101,487", "42.8 MB", "5000 connections, net/http: too many", "no worse than linear: yes",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

var samplePoints = []point{
	{Server: "stage 2", Connections: 10, Requests: 101_487, Memory: 7_670_000},
	{Server: "stage 2", Connections: 5000, Requests: 11_335, Memory: 42_800_000},
	{Server: "net/http", Connections: 10, Requests: 45_073},
	{Server: "net/http", Connections: 5000, NotMeasured: "too many"},
}

// TestDrawing: whatever was measured, the picture is well-formed XML.
func TestDrawing(t *testing.T) {
	for name, r := range map[string]*report{
		"all":     {Rows: []*rowResult{sample(false, 2), sample(true, 0)}, Connections: samplePoints, Machine: machine{Processor: "A & B <C>"}},
		"rows":    {Rows: []*rowResult{sample(true, 0.0001)}},
		"curves":  {Connections: samplePoints},
		"memory":  {Connections: samplePoints[2:]}, // not measured
		"nothing": {Date: time.Now()},
	} {
		drawn := drawing(r)
		d := xml.NewDecoder(strings.NewReader(string(drawn)))
		elements := map[string]int{}
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in\n%s", name, err, drawn)
			}
			if start, ok := token.(xml.StartElement); ok {
				elements[start.Name.Local]++
			}
		}
		if elements["svg"] != 1 || elements["title"] != 1 || elements["desc"] != 1 || strings.Contains(string(drawn), "NaN") {
			t.Errorf("%s: %v in\n%s", name, elements, drawn)
		}
	}
}
