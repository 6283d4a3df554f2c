package main

import (
	"strings"
	"testing"
	"time"
)

const wrkOutput = `Running 1s test @ http://127.0.0.1:7781/HelloWorld.html
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   697.09us    1.73ms  16.84ms   94.65%
    Req/Sec   110.85k    23.90k  142.57k    72.73%
  Latency Distribution
     50%  186.00us
     75%  598.00us
     90%    1.49ms
     99%   10.80ms
  120929 requests in 1.10s, 13.26MB read
Requests/sec: 109908.38
Transfer/sec:     12.05MB
`

func TestParseWrk(t *testing.T) {
	mega := 12.05 * (1 << 20)
	withoutLatency := wrkOutput[:strings.Index(wrkOutput, "  Latency Dist")] + wrkOutput[strings.Index(wrkOutput, "  120929"):]
	replaced := func(what, with string) string { return strings.Replace(wrkOutput, what, with, 1) }
	for _, c := range []struct {
		name, out string
		latency   bool
		want      result
		wrong     string // part of the error, or ""
	}{
		{"with latency", wrkOutput, true, result{Requests: 109908.38, Bytes: mega, P99: 10800 * time.Microsecond}, ""},
		{"without", withoutLatency, false, result{Requests: 109908.38, Bytes: mega}, ""},
		{"latency is not there", withoutLatency, true, result{}, "cannot read what wrk printed"},
		{"socket errors", replaced("Requests/sec", "  Socket errors: connect 0, read 5, write 0, timeout 1\nRequests/sec"), true,
			result{Requests: 109908.38, Bytes: mega, P99: 10800 * time.Microsecond, Note: "socket errors: connect 0, read 5, write 0, timeout 1"}, ""},
		{"wrong answers", replaced("Requests/sec", "  Non-2xx or 3xx responses: 12\nRequests/sec"), true, result{}, "12 answers were errors"},
		{"no answer", replaced("109908.38", "0.00"), true, result{}, "no answer"},
		{"another program", "hello", false, result{}, "cannot read what wrk printed"},
		{"no number", replaced("109908.38", "many"), true, result{}, "many"},
		{"no unit", replaced("10.80ms", "10.80fortnights"), true, result{}, "fortnights"},
	} {
		got, err := parseWrk(c.out, c.latency)
		if c.wrong == "" && (err != nil || got != c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
		if c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: the error is %v, want one with %q", c.name, err, c.wrong)
		}
	}
}

func TestParseUnits(t *testing.T) {
	for s, want := range map[string]float64{"512.00B": 512, "4.00KB": 4096, "1.50MB": 1.5 * (1 << 20), "2.00GB": 2 << 30, "1.00TB": 1 << 40} {
		if got, err := parseBytes(s); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", s, got, err, want)
		}
	}
	for s, want := range map[string]time.Duration{
		"186.00us": 186 * time.Microsecond, "1.49ms": 1490 * time.Microsecond, "1.20s": 1200 * time.Millisecond, "2.00m": 2 * time.Minute, "1.00h": time.Hour,
	} {
		if got, err := parseLatency(s); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", s, got, err, want)
		}
	}
}

func TestWrkTime(t *testing.T) {
	for d, want := range map[time.Duration]string{300 * time.Millisecond: "1s", time.Second: "1s", 1500 * time.Millisecond: "2s"} {
		if got := wrkTime(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestFindTool(t *testing.T) {
	if path, err := findTool(""); path != "" || err != nil {
		t.Errorf("no tool: %q, %v", path, err)
	}
	if _, err := findTool("no-such-tool"); err == nil || !strings.Contains(err.Error(), "no-such-tool is not installed") {
		t.Errorf("a tool that is not there: %v", err)
	}
}
