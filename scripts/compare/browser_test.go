//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

// TestPageRuns runs all experiments in one page, and looks at what each of them shows.
func TestPageRuns(t *testing.T) {
	t.Parallel()
	_, url := startPage(t, "")
	netLog := filepath.Join(t.TempDir(), "net.json")
	dom := dump(t, url+"?run=objects,slow,lengths,same,persistent&report", "--log-net-log="+netLog)
	dom, report, _ := strings.Cut(dom, `<pre id="report">`)
	// settled is what an experiment shows. If that is not good, it runs again, twice at
	// most: a machine that is busy with something else may be late, but not for long.
	settled := func(t *testing.T, id string, good func(shown string) bool) string {
		shown := section(t, dom, id)
		for try := 1; try < 3 && !good(shown); try++ {
			shown = section(t, dump(t, url+"?run="+id), id)
		}
		return shown
	}

	t.Run("objects", func(t *testing.T) {
		checkObjects(t, settled(t, "objects", func(shown string) bool { return number(t, rows(shown)[1][2]) < 3*delay }))
	})
	t.Run("slow, half", func(t *testing.T) { checkSlow(t, section(t, dom, "slow")) })
	silent := dump(t, url+"?run=slow&slow=silent&report")
	t.Run("slow, silent", func(t *testing.T) { checkSlow(t, section(t, silent, "slow")) })
	t.Run("lengths", func(t *testing.T) {
		// Of the long one Chromium shows nothing, but in one run of about twenty it
		// is quicker to draw what came than to notice that more should have come.
		shown := settled(t, "lengths", func(shown string) bool { return strings.HasPrefix(shownLengths(shown)["long"][2], "nothing") })
		checkLengths(t, shownLengths(shown), netLog)
	})
	t.Run("same", func(t *testing.T) {
		cases, err := golden.Cases()
		same, n := rows(section(t, dom, "same")), strconv.Itoa(len(cases))
		t.Logf("%q", same)
		if err != nil || len(same) != 2 || same[0][1] != n || same[1][1] != n {
			t.Errorf("the counts are %q; want all of %s (%v)", same, n, err)
		}
	})
	t.Run("persistent", func(t *testing.T) {
		checkPersistent(t, settled(t, "persistent", func(shown string) bool { return number(t, rows(shown)[3][3]) < 4*delay }))
	})
	t.Run("report", func(t *testing.T) { checkReport(t, dom, report) })
	t.Run("screenshots", func(t *testing.T) { checkScreenshots(t, url, shots) })
	if _, report, ok := strings.Cut(silent, `<pre id="report">`); !ok || strings.Contains(html.UnescapeString(report), `<section id="objects"`) {
		t.Error("the report has an experiment that was not run")
	}
}

const delay = 100 // milliseconds, of each answer in the page's own settings

// checkObjects: the six objects take stage 1 the sum of the delays, and stage 2 one of
// them, and the picture has the queue.
func checkObjects(t *testing.T, shown string) {
	table := rows(shown)
	if len(table) != 2 || len(table[0]) != 5 {
		t.Fatalf("the table of totals is %q", table)
	}
	t.Logf("stage, flags, objects, page and objects, connections: %q", table)
	first, second := number(t, table[0][2]), number(t, table[1][2])
	says := one(t, `6 objects, each answer of a stage delayed by 100 ms, a connection for each: stage 1 took ([\d.]+) times as long`, text(shown))[0]
	if math.Abs(number(t, says)-first/second) > 0.1 {
		t.Errorf("the ratio of %v and %v is told as %s", first, second, says)
	}
	if first < 5*delay || second >= 3*delay {
		t.Errorf("six objects took stage 1 %v ms: is that one after the other? And stage 2 %v ms: is that all at once?", first, second)
	}
	if queued := strings.Count(shown, `class="queue"`); queued < 4 {
		t.Errorf("%d connections are seen waiting in the queue", queued)
	}
	one(t, `connection \d: came at \d+ ms, connected at \d+ ms, waited [3-6]\d\d ms in the queue, accepted at`, text(shown))
	for _, name := range []string{"object-1.svg", "object-6.svg", "page-6.html"} {
		if n := strings.Count(shown, `<span class="name">`+name+`</span>`); n != 2 {
			t.Errorf("%s has %d lanes, want 2", name, n)
		}
	}
	if strings.Count(shown, `{"time":"`) < 2*7*4 {
		t.Error("the raw events are not all there")
	}
	checkBars(t, shown)
}

// checkBars: the bars of both stages' pictures, browser's and server's, are on
// one axis: where the words say a millisecond, a bar of the lane ends there.
func checkBars(t *testing.T, shown string) {
	lanes := all(`(?s)<li><span class="name">([^<]*)</span><span class="hidden">: ([^<]*)</span><div class="track" aria-hidden="true"[^>]*>(.*?)</div></li>`, shown)
	if len(lanes) != 4*7 {
		t.Fatalf("%d lanes", len(lanes))
	}
	last := make([]float64, len(lanes)) // the last moment that the words say
	for i, l := range lanes {
		for _, m := range all(`(server's FIN )?at ([\d.]+)`, l[2]) {
			if last[i] = number(t, m[2]); m[1] != "" {
				break // what comes then is not the server's doing
			}
		}
	}
	for i, l := range lanes {
		right := 0.0
		for _, m := range all(`left:\s*([\d.]+)%;\s*width:\s*([\d.]+)%`, l[3]) {
			right = max(right, number(t, m[1])+number(t, m[2]))
		}
		if want := 100 * last[i] / slices.Max(last); math.Abs(right-want) > 1 {
			t.Errorf("%s (%s): its last bar ends at %v%%, not at %v%%", l[1], l[2], right, want)
		}
	}
}

// checkSlow: half a request, or a silent connection, blocks stage 1 until its head
// timeout, and does nothing to stage 2.
func checkSlow(t *testing.T, shown string) {
	m := one(t, `The page came: from stage 1 after (\d+) ms, from stage 2 after (\d+) ms\.`, text(shown))
	first, second := number(t, m[0]), number(t, m[1])
	t.Logf("stage 1: %v ms, stage 2: %v ms", first, second)
	// The browser asks a moment after the slow client has connected.
	if limit := float64(headTimeout.Milliseconds()); first < limit/2 || first > 3*limit || second > first/2 {
		t.Errorf("with a head timeout of %v stage 1 was blocked for %v ms, stage 2 for %v ms", headTimeout, first, second)
	}
	if n := strings.Count(shown, `<span class="name">slow client</span>`); n != 2 {
		t.Errorf("%d lanes of the slow client", n)
	}
}

// shownLengths is what the page says of each mode: sent, announced, what the
// frame shows, what fetch gets.
func shownLengths(shown string) map[string][]string {
	shows := map[string][]string{}
	for _, card := range all(`(?s)<article data-mode="(\w+)">(.*?)</article>`, shown) {
		facts := make([]string, 4)
		for i, fact := range all(`(?s)<dd>(.*?)</dd>`, card[2]) {
			facts[i] = strings.Join(strings.Fields(text(fact[1])), " ")
		}
		if card[1] == "long" { // whether fetch gives what came before the error is a matter of moments
			facts[3] = strings.Replace(facts[3], "36 bytes, then", "0 bytes, then", 1)
		}
		shows[card[1]] = facts
	}
	return shows
}

// checkLengths: what Chromium makes of four Content-Lengths, in its page and, where a
// page cannot see it, in its network log, which has an event in each line.
func checkLengths(t *testing.T, got map[string][]string, netLog string) {
	want := map[string][]string{
		"none":  {"36 bytes", "nothing", hello + " 36 bytes", "36 bytes, no error"},
		"short": {"36 bytes", "24 bytes", "太棒了，服务器正 24 bytes", "24 bytes, no error"}, // cut by 12
		"exact": {"36 bytes", "36 bytes", hello + " 36 bytes", "36 bytes, no error"},
		"long":  {"36 bytes", "60 bytes", "nothing, and has not finished loading", "0 bytes, then TypeError: network error"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sent, announced, the frame shows, fetch gets (-want +got):\n%s", diff)
	}
	data, err := os.ReadFile(netLog)
	must(t, err)
	one(t, `"ERR_CONTENT_LENGTH_MISMATCH":-354\b`, string(data))
	failed := all(`"net_error":-354\b.*"source":\{"id":(\d+),`, string(data))
	for _, f := range failed {
		one(t, `"url":"[^"]*/long/HelloWorld.html".*"source":\{"id":`+f[1]+`,`, string(data))
	}
	if len(failed) == 0 {
		t.Error("the network log has no ERR_CONTENT_LENGTH_MISMATCH")
	}
}

// checkPersistent: -keep-alive makes stage 1's browser wait.
func checkPersistent(t *testing.T, shown string) {
	table := rows(shown)
	t.Logf("stage, flags, objects, page and objects, connections: %q", table)
	if len(table) != 4 {
		t.Fatalf("the table of totals is %q", table)
	}
	one(t, "still open at the end", text(shown)) // as the browser leaves a persistent connection
	took := make([]float64, 4)                   // stage 1, stage 2, both with -keep-alive
	for i, row := range table {
		took[i] = number(t, row[3])
		if conns, closing := number(t, row[4]), i < 2; closing && conns < 7 || !closing && conns > 6 {
			t.Errorf("%v connections: %q", conns, row)
		}
	}
	if took[2] < took[0]+float64(idleTimeout.Milliseconds()) {
		t.Errorf("stage 1 took %v ms, with -keep-alive %v: nobody waited for an idle connection", took[0], took[2])
	}
	if took[3] > 2*took[1] && took[3] >= 4*delay { // 2 delays
		t.Errorf("stage 2 took %v ms, with -keep-alive %v", took[1], took[3])
	}
}

// checkReport: the saved report is one file that shows what the page showed,
// loads nothing, runs nothing, and has the raw events in it.
func checkReport(t *testing.T, dom, report string) {
	report, _, _ = strings.Cut(report, "</pre>") // that of the page; its own are escaped
	report = html.UnescapeString(report)
	for _, bad := range []string{"<script", "<link", "<iframe", "<img", "<button", "url("} {
		if strings.Contains(report, bad) {
			t.Errorf("the report has a %s in it", bad)
		}
	}
	file := filepath.Join(t.TempDir(), "report.html")
	must(t, os.WriteFile(file, []byte(report), 0o644))
	saved := dump(t, "file://"+filepath.ToSlash(file))
	for _, id := range []string{"objects", "slow", "lengths", "same", "persistent"} {
		want, got := section(t, dom, id), section(t, saved, id)
		if diff := cmp.Diff(rows(want), rows(got)) + cmp.Diff(shownLengths(want), shownLengths(got)); diff != "" {
			t.Errorf("%s (-page +report):\n%s", id, diff)
		}
	}
	var raw struct {
		About   struct{ Machine string }
		Browser string
		Saved   time.Time
		Objects []outcome
		Lengths []lengthAnswer
	}
	if err := json.Unmarshal([]byte(text(one(t, `(?s)<pre id="raw">(.*?)</pre>`, saved)[0])), &raw); err != nil {
		t.Fatalf("the raw data: %v", err)
	}
	if raw.About.Machine == "" || !strings.Contains(raw.Browser, "Chrome") || time.Since(raw.Saved) > time.Hour ||
		len(raw.Objects) != 2 || len(raw.Objects[0].Log) < 7*4 || len(raw.Objects[1].Timings) != 7 || len(raw.Lengths) != 4 {
		t.Errorf("the raw data is not whole: %+v", raw)
	}
}

var update = flag.Bool("update", false, "write the pictures of the page that README shows anew")

// A shot is a picture of an experiment, for people who read.
type shot struct {
	experiment, file string
	width, height    int
}

var shots = []shot{
	{"objects", "six-objects.png", 960, 830},
	{"lengths", "content-length.png", 960, 450},
}

// checkScreenshots: the pictures in lab-notes can still be made, as large as they are there.
func checkScreenshots(t *testing.T, url string, shots []shot) {
	for _, s := range shots {
		made, shown := filepath.Join(t.TempDir(), s.file), filepath.Join("..", "..", "lab-notes", "img", s.file)
		dom := dump(t, url+"?run="+s.experiment, "--screenshot="+made, fmt.Sprintf("--window-size=%d,%d", s.width, s.height))
		id, _, _ := strings.Cut(s.experiment, "&")
		section(t, dom, id) // has ended well
		for _, name := range []string{made, shown} {
			data, err := os.ReadFile(name)
			must(t, err)
			picture, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if size := picture.Bounds().Size(); size.X != s.width || size.Y != s.height {
				t.Errorf("%s has %v pixels, want %d x %d", name, size, s.width, s.height)
			}
			colours := map[any]bool{}
			for i := range s.width * s.height {
				colours[picture.At(i%s.width, i/s.width)] = true
			}
			if len(colours) < 50 {
				t.Errorf("%s has %d colours: it is empty", name, len(colours))
			}
			if name == made && *update && !t.Failed() {
				must(t, os.WriteFile(shown, data, 0o644))
			}
		}
	}
}
