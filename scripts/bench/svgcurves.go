package main

import (
	"fmt"
	"math"
	"slices"
)

// A field is the place for curves. Connections grow to the right, on a logarithmic
// scale, and the other number grows upwards.
type field struct {
	left, right, top, bottom float64
	high                     float64 // the value at the top; the bottom is 0
	format                   func(float64) string
}

const fieldHeight = 190

func (f field) x(connections int) float64 {
	first, last := float64(growing[0]), float64(growing[len(growing)-1])
	return f.left + math.Log(float64(connections)/first)/math.Log(last/first)*(f.right-f.left)
}

func (f field) y(value float64) float64 { return f.bottom - value/f.high*(f.bottom-f.top) }

// drawConnections draws requests/s and memory side by side.
func (p *picture) drawConnections(points []point) {
	p.y += line
	p.text("big", margin, p.y, "As connections grow, all of them busy")
	x := float64(width/2 + 84)
	for i, k := range curveKinds {
		p.line(curveClasses[i], x, p.y-5, x+36, p.y-5)
		p.text("", x+44, p.y, k.name)
		x += 130
	}
	p.y += line
	rate := func(v point) float64 { return v.Requests }
	memory := func(v point) float64 { return float64(v.Memory) }
	p.text("head", margin, p.y, "requests/s")
	p.text("head", width/2+margin, p.y, "memory of the server")
	top := p.y + 16
	bottom := top + fieldHeight
	p.curves(points, rate, field{left: 70, right: width/2 - 30, top: top, bottom: bottom, format: perSecond.format})
	p.curves(points, memory, field{left: width/2 + 84, right: width - 30, top: top, bottom: bottom, format: bytesOfMemory.format})
	p.y = bottom + 2*line - 8
	p.text("soft mid", (70+width/2-30)/2, p.y, "connections")
	p.text("soft mid", (width/2+84+width-30)/2, p.y, "connections")
}

// curveKinds are the servers that have a curve. curveClasses say how it looks.
var (
	curveKinds   = []kind{stage2, netHTTP}
	curveClasses = []string{"a", "b"}
)

// curves draws one curve for each server, and the scales.
func (p *picture) curves(points []point, of func(point) float64, f field) {
	var high float64
	for _, v := range points {
		high = max(high, of(v))
	}
	if high == 0 {
		p.text("soft", f.left, (f.top+f.bottom)/2, "not measured on this system")
		return
	}
	step := roundStep(high / 4)
	f.high = math.Ceil(high/step) * step
	for v := 0.0; v <= f.high; v += step {
		p.line("grid", f.left, f.y(v), f.right, f.y(v))
		p.text("soft end", f.left-8, f.y(v)+5, f.format(v))
	}
	for _, n := range growing {
		p.line("grid", f.x(n), f.bottom, f.x(n), f.bottom+5)
		p.text("soft mid", f.x(n), f.bottom+20, thousands(float64(n)))
	}
	for i, k := range curveKinds {
		p.curve(points, of, f, k.name, curveClasses[i])
	}
}

// curve draws a server's points and joins them.
func (p *picture) curve(points []point, of func(point) float64, f field, server, class string) {
	mine := slices.DeleteFunc(slices.Clone(points), func(v point) bool { return v.Server != server || of(v) == 0 })
	if len(mine) == 0 {
		return
	}
	path, verb := "", "M"
	for _, v := range mine {
		path += fmt.Sprintf("%s%.1f %.1f", verb, f.x(v.Connections), f.y(of(v)))
		verb = "L"
		fmt.Fprintf(p, "<circle class=\"d%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n", class, f.x(v.Connections), f.y(of(v)))
	}
	fmt.Fprintf(p, "<path class=%q d=%q/>\n", class, path)
}

// roundStep is the smallest round step that is at least least: 1, 2, 2.5 or 5 times
// a power of ten.
func roundStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, times := range []float64{1, 2, 2.5, 5} {
		if times*power >= least {
			return times * power
		}
	}
	return 10 * power
}
