package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Sizes of the drawing, in pixels. Letters need at least 13 to be legible in the
// notes.
const (
	width   = 760
	margin  = 16
	barLeft = 130 // of the bars' field
	barEnd  = 560
	line    = 24 // from one line of text to the next
)

// The bars' field shows ratios from lowest to highest.
const lowest, highest = 0.05, 100

// style has colours for light and dark screens. Verdicts are words, too, because
// not everybody can tell the colours apart.
const style = `
svg { --bg: #ffffff; --fg: #1f2328; --soft: #59636e; --line: #d0d7de; --a: #0550ae; --b: #953800; --no: #a40e26; }
@media (prefers-color-scheme: dark) {
  svg { --bg: #0d1117; --fg: #e6edf3; --soft: #a9b4c0; --line: #3d444d; --a: #79c0ff; --b: #ffa657; --no: #ff9492; }
}
.bg { fill: var(--bg); }
text { font: 14px system-ui, sans-serif; fill: var(--fg); stroke: var(--bg); stroke-width: 4px; paint-order: stroke; stroke-linejoin: round; }
.head { font-weight: 600; }
.big { font-size: 16px; font-weight: 600; }
.soft { font-size: 13px; fill: var(--soft); }
.end { text-anchor: end; }
.mid { text-anchor: middle; }
.grid { stroke: var(--line); fill: none; }
.one { stroke: var(--soft); }
.bar { fill: var(--a); }
.fails { fill: var(--no); }
.shown { fill: var(--soft); opacity: .6; }
.want { stroke: var(--fg); stroke-width: 2.5; fill: none; }
.a, .b { stroke-width: 2.5; fill: none; }
.a { stroke: var(--a); }
.b { stroke: var(--b); stroke-dasharray: 7 4; }
.da { fill: var(--a); }
.db { fill: var(--b); }
`

// A picture is an SVG that grows downwards.
type picture struct {
	strings.Builder
	y float64 // the drawing ends here
}

// text writes words on the base line y.
func (p *picture) text(class string, x, y float64, words string) {
	fmt.Fprintf(p, "<text class=%q x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, x, y, html.EscapeString(words))
}

func (p *picture) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, "<path class=%q d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x1, y1, x2, y2)
}

// drawing draws the report.
func drawing(r *report) []byte {
	p := &picture{y: 12}
	if len(r.Rows) > 0 {
		p.drawRows(r.Rows)
	}
	if len(r.Connections) > 0 {
		p.drawConnections(r.Connections)
	}
	p.y += line
	p.text("soft", margin, p.y, fmt.Sprintf("%s, %d processors, %s", r.Machine.Processor, r.Machine.Processors, r.Date.Format("2006-01-02")))
	p.y += margin
	var whole strings.Builder
	fmt.Fprintf(&whole, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"title desc\">\n", width, p.y)
	fmt.Fprintf(&whole, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", "The stages beside what people would use instead", html.EscapeString(inWords(r)))
	fmt.Fprintf(&whole, "<style>%s</style>\n<rect class=\"bg\" width=\"%d\" height=\"%.0f\" rx=\"10\"/>\n%s</svg>\n", style, width, p.y, p.String())
	return []byte(whole.String())
}

// inWords says what the picture shows, for people who cannot see it.
func inWords(r *report) string {
	var w strings.Builder
	w.WriteString("Ratios of the kit's programs to others, on a logarithmic scale. A mark shows each aim.")
	for _, row := range r.Rows {
		fmt.Fprintf(&w, " %s:", row.What)
		for _, b := range row.bars() {
			fmt.Fprintf(&w, " %s %s;", b.name, b.verdict)
		}
	}
	for _, p := range r.Connections {
		if p.NotMeasured == "" {
			fmt.Fprintf(&w, " %s with %d connections: %s requests/s", p.Server, p.Connections, perSecond.format(p.Requests))
			if p.Memory > 0 {
				fmt.Fprintf(&w, " in %s", bytesOfMemory.format(float64(p.Memory)))
			}
			w.WriteString(".")
		}
	}
	return w.String()
}

// A bar is one ratio.
type bar struct {
	name, verdict, class string
	ratio, want          float64 // 0 is none
}

// bars are the ratios of a row. A row of the kit alone has one, the ratio to its
// aim.
func (r *rowResult) bars() (bars []bar) {
	others := r.Contestants[1:]
	if len(others) == 0 {
		others = r.Contestants
	}
	for _, c := range others {
		b := bar{name: "to " + c.Name, ratio: c.Ratio, want: c.Want, class: "shown", verdict: "not measured"}
		if c == r.Contestants[0] {
			b.name, b.ratio, b.want = "to the aim", c.Median/c.Want, 1
		}
		if b.ratio > 0 {
			b.verdict = digits(b.ratio)
			if c == r.Contestants[0] {
				b.verdict = digits(c.Median)
			}
		}
		if c.Want != 0 {
			sign := "≥"
			if r.AtMost {
				sign = "≤"
			}
			b.verdict += fmt.Sprintf(", want %s %g", sign, c.Want)
		}
		if c.Holds != nil {
			b.class = map[bool]string{true: "bar", false: "fails"}[*c.Holds]
			b.verdict += map[bool]string{true: ": yes", false: ": no"}[*c.Holds]
		}
		bars = append(bars, b)
	}
	return bars
}

// onBars is the place of a ratio in the field of the bars.
func onBars(ratio float64) float64 {
	part := math.Log(min(max(ratio, lowest), highest)/lowest) / math.Log(highest/lowest)
	return barLeft + part*(barEnd-barLeft)
}

// drawRows draws a bar for each ratio, from 1 to the ratio.
func (p *picture) drawRows(rows []*rowResult) {
	p.y += line
	p.text("big", margin, p.y, "Ratio of the kit's program to the other one; the mark shows the aim")
	p.y += line
	top := p.y + 6
	for _, ratio := range []float64{0.1, 1, 10, 100} {
		p.text("soft mid", onBars(ratio), p.y, fmt.Sprint(ratio))
	}
	var over picture // it is drawn over the lines of the scale
	for _, r := range rows {
		p.y += line
		over.text("head", margin, p.y, fmt.Sprintf("%d  %s: %s is better", r.Row, r.What, map[bool]string{false: "more", true: "less"}[r.AtMost]))
		for _, b := range r.bars() {
			p.y += line - 3
			over.drawBar(b, p.y)
		}
		p.y += 5
	}
	for _, ratio := range []float64{0.1, 1, 10, 100} {
		class := "grid"
		if ratio == 1 {
			class = "grid one"
		}
		p.line(class, onBars(ratio), top, onBars(ratio), p.y+4)
	}
	p.WriteString(over.String())
	p.y += line
}

// drawBar draws a bar between its name and its verdict.
func (p *picture) drawBar(b bar, y float64) {
	p.text("", margin+18, y, b.name)
	p.text("", barEnd+14, y, b.verdict)
	if b.ratio > 0 {
		from, to := min(onBars(1), onBars(b.ratio)), max(onBars(1), onBars(b.ratio))
		fmt.Fprintf(p, "<rect class=%q x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\"/>\n", b.class, from, y-11, max(to-from, 2))
	}
	if b.want > 0 {
		p.line("want", onBars(b.want), y-14, onBars(b.want), y+4)
	}
}
