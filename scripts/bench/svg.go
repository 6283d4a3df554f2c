package main

import (
	_ "embed"
	"fmt"
	"math"
	"os"
	"text/template"
)

//go:embed bars.svg
var bars string

// onBars is the place of a ratio in the picture, which shows ratios from 0.05 to 100 on
// 430 pixels.
func onBars(ratio float64) float64 {
	const lowest, highest, left, wide = 0.05, 100, 130, 430
	part := math.Log(min(max(ratio, lowest), highest)/lowest) / math.Log(highest/lowest)
	return math.Round(left + part*wide)
}

// A svgLine is a line of the picture: the head of a row, or one of its ratios.
type svgLine struct {
	Y                          int
	Head, Name, Class, Verdict string
	Left, Width, Aim           float64 // pixels; an Aim of 0 is none
}

// draw draws a bar for each ratio, from 1 to the ratio, and a mark at its aim.
func draw(file string, rows []row) error {
	const first, next = 60, 23 // pixels
	y := first
	var lines []svgLine
	for _, r := range rows {
		y += next + 5
		better := map[bool]string{false: "more", true: "less"}[r.atMost]
		lines = append(lines, svgLine{Y: y, Head: fmt.Sprintf("%d  %s: %s is better", r.number, r.what, better)})
		for _, other := range r.results[1:] {
			y += next
			line := svgLine{Y: y, Name: other.name, Verdict: "not measured"}
			if ratio := median(r.ratios(other)); ratio > 0 {
				one, end := onBars(1), onBars(ratio)
				line.Left, line.Width = min(one, end), max(math.Abs(end-one), 2)
				line.Verdict = digits(ratio)
				line.Class = map[bool]string{true: "missed", false: "holds"}[r.missed(other)]
			}
			if aim := r.aims[other.name]; aim != 0 {
				line.Aim = onBars(aim)
				line.Verdict += ", aim " + r.aim(other)
			}
			lines = append(lines, line)
		}
	}
	scale := map[string]float64{"0.1": onBars(0.1), "1": onBars(1), "10": onBars(10), "100": onBars(100)}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return template.Must(template.New(file).Parse(bars)).Execute(f, map[string]any{
		"Scale": scale, "Lines": lines, "End": y + 8, "Foot": y + 2*next, "Height": y + 3*next,
		"Machine": machine(),
	})
}
