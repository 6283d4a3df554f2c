package main

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/launch"
)

// fromWrk uses wrk as the clients. Its time is in whole seconds.
func (l load) fromWrk(ctx context.Context, path, addr string) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.time+20*time.Second)
	defer cancel()
	args := []string{"-t1", fmt.Sprintf("-c%d", l.conns), "-d" + wrkTime(l.time)}
	if l.latency {
		args = append(args, "--latency")
	}
	if l.close {
		args = append(args, "-H", "Connection: close")
	}
	cmd := exec.CommandContext(ctx, path, append(args, "http://"+addr+"/"+l.path)...)
	cmd.Cancel = func() error { return launch.KillGroup(cmd) }
	cmd.WaitDelay = time.Second
	launch.OwnGroup(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return parseWrk(string(out), l.latency)
}

// wrkTime writes a time in whole seconds, rounded up.
func wrkTime(t time.Duration) string { return fmt.Sprintf("%.0fs", math.Ceil(t.Seconds())) }

// parseWrk reads what wrk prints:
//
//	     99%   10.80ms
//	  120929 requests in 1.10s, 13.26MB read
//	  Socket errors: connect 0, read 5, write 0, timeout 0
//	  Non-2xx or 3xx responses: 100105
//	Requests/sec: 109908.38
//	Transfer/sec:     12.05MB
//
// wrk prints the lines about errors only if there were any. A wrong answer is an
// error here. A missing answer is only noted, because a server with a full queue of
// connections may leave a client without one.
func parseWrk(out string, latency bool) (r result, err error) {
	var haveRate, haveBytes, haveP99 bool
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case name == "Requests/sec":
			r.Requests, err = strconv.ParseFloat(value, 64)
			haveRate = true
		case name == "Transfer/sec":
			r.Bytes, err = parseBytes(value)
			haveBytes = true
		case name == "Socket errors":
			r.Note = "socket errors: " + value
		case name == "Non-2xx or 3xx responses":
			err = fmt.Errorf("%s answers were errors", value)
		case strings.HasPrefix(line, "99%"):
			r.P99, err = parseLatency(strings.TrimSpace(line[len("99%"):]))
			haveP99 = true
		}
		if err != nil {
			return result{}, fmt.Errorf("wrk: %w", err)
		}
	}
	if !haveRate || !haveBytes || latency && !haveP99 {
		return result{}, fmt.Errorf("cannot read what wrk printed: %q", out)
	}
	if r.Requests == 0 {
		return result{}, fmt.Errorf("wrk got no answer: %s", strings.TrimPrefix(r.Note, "socket "))
	}
	return r, nil
}

// parseBytes reads a number of bytes such as 12.05MB. Each of wrk's units is 1024
// times the one before.
func parseBytes(s string) (float64, error) {
	return parseUnits(s, []unitOf{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}, {"B", 1}})
}

// parseLatency reads a time such as 186.00us, as wrk writes it.
func parseLatency(s string) (time.Duration, error) {
	ns, err := parseUnits(s, []unitOf{
		{"us", float64(time.Microsecond)}, {"ms", float64(time.Millisecond)}, {"s", float64(time.Second)},
		{"m", float64(time.Minute)}, {"h", float64(time.Hour)},
	})
	return time.Duration(math.Round(ns)), err
}

// A unitOf is the name of a unit, and its value.
type unitOf struct {
	name  string
	times float64
}

// parseUnits reads a number with a unit. The first unit that fits counts.
func parseUnits(s string, units []unitOf) (float64, error) {
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			value, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return 0, fmt.Errorf("%q is not a number", s)
			}
			return value * u.times, nil
		}
	}
	return 0, fmt.Errorf("%q has an unknown unit", s)
}
