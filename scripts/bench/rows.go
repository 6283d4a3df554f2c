package main

import (
	"context"
	"strconv"
)

// A row is one line of the table. It measures the kit's program and others in the
// same way.
type row struct {
	number      int
	what        string
	unit        unit
	atMost      bool         // less is better, and the aim is an upper limit
	contestants []contestant // the first is the kit's
}

func (r row) name() string { return strconv.Itoa(r.number) }

// A contestant is measured in a row.
type contestant struct {
	name    string
	tool    string  // that must be installed, or ""
	want    float64 // the aim for the ratio of the kit's number to this one; in a row of the kit alone, for the number; 0 is none
	measure func(context.Context) (measurement, error)
}

// A measurement is one number, and a note about it, or "".
type measurement struct {
	value float64
	note  string
}

// rowNames are what -only may list.
var rowNames = []string{"1", "2", "3", "4", "5", "6", "7", "8"}

// rows lists what is measured, with the aims of issue 5.
func (b *bench) rows() []row {
	page := load{path: pageName, size: len(page), body: page, conns: 32, time: b.time}
	once := page
	once.close = true
	file := load{path: fileName, size: fileSize, conns: 32, time: b.time}
	full := page
	full.conns, full.latency = 64, true

	rate := func(r result) float64 { return r.Requests }
	bytes := func(r result) float64 { return r.Bytes }
	slowest := func(r result) float64 { return r.P99.Seconds() }

	return []row{
		{number: 1, what: "stage 2, 36-byte page, keep-alive", unit: perSecond, contestants: []contestant{
			b.underLoad(stage2, 0, page, rate),
			b.underLoad(nginx, 1.1, page, rate),
			b.underLoad(netHTTP, 2.3, page, rate),
		}},
		{number: 2, what: "stage 2, a new connection for each request", unit: perSecond, contestants: []contestant{
			b.underLoad(stage2, 0, once, rate),
			b.underLoad(nginx, 1.0, once, rate),
			b.underLoad(netHTTP, 1.35, once, rate),
		}},
		{number: 3, what: "stage 2, 1 MB file", unit: bytesPerSecond, contestants: []contestant{
			b.underLoad(stage2, 0, file, bytes),
			b.underLoad(nginx, 1.0, file, bytes),
			b.underLoad(netHTTP, 0, file, bytes),
		}},
		{number: 4, what: "stage 1, a new connection for each request", unit: perSecond, contestants: []contestant{
			b.underLoad(stage1, 0, once, rate),
			b.underLoad(python, 15, once, rate),
		}},
		{number: 5, what: "stage 2, memory for an idle persistent connection", unit: bytesOfMemory, atMost: true, contestants: []contestant{
			b.withIdle(stage2, 0),
			b.withIdle(netHTTP, 0.4),
			b.withIdle(nginx, 0),
		}},
		{number: 6, what: "stage 2, 99th percentile latency, 64 connections at full load", unit: seconds, atMost: true, contestants: []contestant{
			b.underLoad(stage2, 0, full, slowest),
			b.underLoad(netHTTP, 0.7, full, slowest),
			b.underLoad(nginx, 0, full, slowest),
		}},
		{number: 7, what: "stage 3, 1 GB download from stage 2, wall time", unit: seconds, atMost: true, contestants: []contestant{
			{name: "stage 3", measure: b.downloadTime(b.stage3)},
			{name: "curl", tool: "curl", want: 1.0, measure: b.downloadTime(curl)},
		}},
		{number: 8, what: "stage 3, peak memory for that download", unit: bytesOfMemory, atMost: true, contestants: []contestant{
			{name: "stage 3", measure: b.downloadPeak(b.stage3)},
			{name: "curl", tool: "curl", want: 1.5, measure: b.downloadPeak(curl)},
		}},
	}
}

// underLoad measures a server under a load. The server runs on through all rounds
// and rows.
func (b *bench) underLoad(k kind, want float64, l load, of func(result) float64) contestant {
	return contestant{name: k.name, tool: k.tool, want: want, measure: func(ctx context.Context) (measurement, error) {
		s, err := b.serverOf(ctx, k)
		if err != nil {
			return measurement{}, err
		}
		r, err := l.run(ctx, s.addr)
		return measurement{of(r), r.Note}, err
	}}
}
