package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/internal/term"
)

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-no-such-flag"}, {"3"}} {
		var said strings.Builder
		if _, err := parse(args, &said); err == nil || said.Len() == 0 {
			t.Errorf("%q: %v, %q", args, err, &said)
		}
	}
	if o, err := parse([]string{"-rounds", "1", "-only", "1,8"}, io.Discard); err != nil || o.rounds != 1 || !o.wants(row{number: 8}) || o.wants(row{number: 2}) {
		t.Errorf("right use: %+v, %v", o, err)
	}
}

// turns measures a row with made up numbers. A slow second round slows both, which the
// ratio of the medians would not see.
func turns(t *testing.T, atMost bool, aim float64) (measured row, order string, trouble error) {
	b := &bench{options: options{rounds: 3}, progress: term.NewProgress(io.Discard)}
	numbers := func(name string, err error, values ...float64) *contestant {
		return &contestant{name: name, measure: func(context.Context) (sample, error) {
			order += name[:1]
			if len(values) == 0 {
				return nil, err
			}
			v := values[0]
			values = values[1:]
			return sample{"/s": v, "lost": math.Floor(v / 220)}, nil
		}}
	}
	rows := []row{{number: 1, what: "this & that", unit: "/s", atMost: atMost, aims: map[string]float64{"theirs": aim, "broken": 1}}, {number: 2, unit: "B"}}
	trouble = b.takeTurns(t.Context(), test{[]*contestant{
		numbers("ours", nil, 220, 100, 200), numbers("theirs", nil, 100, 50, 100), numbers("broken", errors.New("it <broke>"), 1), numbers("missing", excuse("not installed")),
	}, rows})
	if got := rows[1].median(rows[1].results[0]); got != "not measured" {
		t.Errorf("a row of what no sample has: %s", got)
	}
	return rows[0], order, trouble
}

func TestTurns(t *testing.T) {
	r, order, trouble := turns(t, false, 2)
	if order != "otbm"+"tbo"+"ot" || trouble == nil || trouble.Error() != "row 1, broken: it <broke>" {
		t.Errorf("the order is %q, and the error %v", order, trouble)
	}
	if got := r.ratios(r.results[1]); !slices.Equal(got, []float64{2, 2, 2.2}) {
		t.Errorf("the ratios are %v", got)
	}
	if got := append(r.ratios(r.results[2]), r.ratios(r.results[3])...); len(got) > 0 {
		t.Errorf("ratios to those that failed: %v", got)
	}
	for _, c := range []struct {
		atMost bool
		aim    float64
		missed bool
	}{{false, 2, false}, {false, 2.1, true}, {true, 2, false}, {true, 1.9, true}, {true, 0, false}} {
		if r, _, _ := turns(t, c.atMost, c.aim); r.missed(r.results[1]) != c.missed || r.missed(r.results[2]) {
			t.Errorf("%+v: missed is not so, or what is not measured is missed", c)
		}
	}
	if got := median([]float64{4, 1, 2, 1000}); got != 3 {
		t.Errorf("the median of an even number of values: %v", got)
	}
}

func TestFormat(t *testing.T) {
	for want, v := range map[string]float64{"1.23 M/s": 1234567.8, "999 /s": 999, "4.77 GB/s": 4.774e9, "16.8 kB": 16_840, "0.500 B": 0.5, "3.91 ms": 0.00391, "186 µs": 0.000186, "12.3 s": 12.34} {
		if got := format(v, strings.TrimLeft(want, "0123456789. kMGmµ")); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestReport: the table shows whatever was measured, and what was not.
func TestReport(t *testing.T) {
	r, _, _ := turns(t, false, 2.1)
	contains(t, (&bench{}).report([]row{r}), "row 1, broken: not measured: it <broke>\n", "row 1, missing: not measured: not installed\n",
		"row 1, ours, round 1: 1 answers did not come\n", "Python: python3 -m http.server",
		"1    this & that  200 /s   theirs   100 /s        2.00 (2.00-2.20)  ≥ 2.1: missed\n                           broken   not measured                    ≥ 1\n")
}

func TestParseWrk(t *testing.T) {
	const report = "Running 1s test\nTransfer/sec:     12.05MB\n"
	for out, want := range map[string]sample{
		report + `{"/s":10.5,"B/s":20,"s":0.001,"lost":3,"wrong":0}` + "\n": {"/s": 10.5, "B/s": 20, "s": 0.001, "lost": 3, "wrong": 0},
		report + `{"/s":10.5,"B/s":20,"s":0.001,"lost":0,"wrong":3}` + "\n": nil,
		report + `{"/s":0,"B/s":0,"s":-nan,"lost":0,"wrong":0}` + "\n":      nil,
		"hello": nil,
		"":      nil,
	} {
		got, err := parseWrk([]byte(out))
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%s: %v (-want +got)\n%s", out, err, diff)
		}
	}
}

// TestAsk: an answer that is not the file is an error. If a step is not written, or the
// server cannot do what is measured, that is an excuse.
func TestAsk(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	for _, c := range []struct {
		name, answer string
		close        bool
		wrong        string // part of the error and its type
	}{
		{"right", head + "hello", true, "<nil>"},
		{"right, to be kept", head + "hello", false, "<nil>"},
		{"another status", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", true, "404"},
		{"another body", head + "hallo", true, `"hallo"`},
		{"a short body", head + "hell", true, "EOF"},
		{"not written", "HTTP/1.1 500 Oh\r\n\r\n<h1>Oh</h1><p>step 1.5 is not written yet: a path</p>", true, "main.excuse: step 1.5 is not written yet: a path"},
		{"closed, though to be kept", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", false, "main.excuse: it closes"},
	} {
		here, there := net.Pipe()
		go func() {
			there.Read(make([]byte, 1000))
			io.WriteString(there, c.answer)
			there.Close()
		}()
		l := load{"x", []byte("hello"), c.close}
		client := l.client()
		client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return here, nil }
		err := l.ask(client, "x")
		here.Close()
		if got := fmt.Sprintf("%T: %v", err, err); !strings.Contains(got, c.wrong) {
			t.Errorf("%s: the error is %s, want %q", c.name, got, c.wrong)
		}
	}
}
