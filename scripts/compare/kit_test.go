//go:build kit

package main

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"math"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

// chromium is the browser of these tests. Where there is none they skip; where
// CHROMIUM names one that is not there they fail, and so .ci/run sets it.
func chromium(t *testing.T) string {
	t.Helper()
	path, err := findChromium()
	if errors.Is(err, errNoChromium) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// servePage builds the stages and serves the page until the test is over.
func servePage(t *testing.T) (url string) {
	t.Helper()
	c, err := prepare(t.Context(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	served, over := make(chan string), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		over <- c.withPage(ctx, ln, func(url string) error {
			served <- url
			<-ctx.Done()
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	select {
	case url := <-served:
		return url
	case err := <-over:
		go func() { over <- err }()
		t.Fatal(err)
		return ""
	}
}

// dump loads the page in the browser, has it run experiments, and returns its
// elements.
func dump(t *testing.T, url, query string, flags ...string) string {
	t.Helper()
	dom, err := runChromium(t.Context(), chromium(t), url+query, append([]string{"--dump-dom"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	return string(dom)
}

// section is what an experiment shows; the experiment must have ended well.
func section(t *testing.T, dom, id string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<section id="` + id + `"[^>]*data-state="(\w+)"[^>]*>(.*?)</section>`).FindStringSubmatch(dom)
	if m == nil || m[1] != "done" {
		t.Fatalf("the experiment %s did not end well:\n%s", id, text(dom))
	}
	return m[2]
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

func text(elements string) string {
	return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(elements, " ")))
}

// rows are the cells of the tables' bodies.
func rows(elements string) (all [][]string) {
	for _, row := range regexp.MustCompile(`(?s)<tr><td.*?</tr>`).FindAllString(elements, -1) {
		var cells []string
		for _, cell := range regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`).FindAllStringSubmatch(row, -1) {
			cells = append(cells, text(cell[1]))
		}
		all = append(all, cells)
	}
	return all
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, " ms"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestObjects: with a delay of 100 ms the six objects take stage 1 the sum of
// the delays, and stage 2 one of them, and the picture has the queue.
func TestObjects(t *testing.T) {
	const delay = 100
	url := servePage(t)
	shown := section(t, dump(t, url, "?run=objects"), "objects")
	// A machine that is busy with something else may be late, but not for long.
	for try := 1; try < 3 && number(t, rows(shown)[1][2]) >= 3*delay; try++ {
		shown = section(t, dump(t, url, "?run=objects"), "objects")
	}
	table := rows(shown)
	if len(table) != 2 || len(table[0]) != 5 {
		t.Fatalf("the table of totals is %q", table)
	}
	t.Logf("stage, flags, objects, page and objects, connections: %q", table)
	one, two := number(t, table[0][2]), number(t, table[1][2])
	says := regexp.MustCompile(`6 objects, each answer delayed by 100 ms, a connection for each: stage 1 took ([\d.]+) times as long`).FindStringSubmatch(text(shown))
	if says == nil || math.Abs(number(t, says[1])-one/two) > 0.1 {
		t.Errorf("the ratio of %v and %v is told as %q", one, two, says)
	}
	checkBars(t, shown)
	if one < 5*delay {
		t.Errorf("six objects took stage 1 %v ms: that is not one after the other", one)
	}
	if two >= 3*delay {
		t.Errorf("six objects took stage 2 %v ms: that is not all at once", two)
	}
	queued := strings.Count(shown, `class="queue"`)
	if queued < 4 {
		t.Errorf("%d connections are seen waiting in the queue", queued)
	}
	if said := regexp.MustCompile(`connection \d: connected at \d+ ms, waited [3-6]\d\d ms in the queue, accepted at`).FindString(text(shown)); said == "" {
		t.Errorf("no connection that waited long is told of in words:\n%s", text(shown))
	}
	for _, name := range []string{"object-1.svg", "object-6.svg", "page-6.html"} {
		if n := strings.Count(shown, `<span class="name">`+name+`</span>`); n != 2 {
			t.Errorf("%s has %d lanes, want 2", name, n)
		}
	}
	if strings.Count(shown, `{"time":"`) < 2*7*4 {
		t.Error("the raw events are not all there")
	}
}

// checkBars: the bars of both stages' pictures, browser's and server's, are on
// one axis: where the words say a millisecond, a bar of the lane ends there.
func checkBars(t *testing.T, shown string) {
	t.Helper()
	end := 0.0 // of the longest lane
	type bar struct{ lane, says, spans string }
	var bars []bar
	for _, m := range regexp.MustCompile(`(?s)<li><span class="name">([^<]*)</span><span class="hidden">: ([^<]*)</span><div class="track" aria-hidden="true"[^>]*>(.*?)</div></li>`).FindAllStringSubmatch(shown, -1) {
		bars = append(bars, bar{m[1], m[2], m[3]})
		for _, ms := range regexp.MustCompile(`[\d.]+ ms`).FindAllString(m[2], -1) {
			end = max(end, number(t, ms))
		}
	}
	if len(bars) != 4*7 {
		t.Fatalf("%d lanes", len(bars))
	}
	for _, b := range bars {
		all := regexp.MustCompile(`(?:at|to) ([\d.]+)(?: ms)?`).FindAllStringSubmatch(b.says, -1)
		last := number(t, all[len(all)-1][1])
		right := 0.0
		for _, m := range regexp.MustCompile(`left:\s*([\d.]+)%;\s*width:\s*([\d.]+)%`).FindAllStringSubmatch(b.spans, -1) {
			right = max(right, number(t, m[1])+number(t, m[2]))
		}
		if math.Abs(right-100*last/end) > 1 {
			t.Errorf("%s (%s): its last bar ends at %v%%, that is not %v of %v ms", b.lane, b.says, right, last, end)
		}
	}
}

// TestSlowClient: half a request, or a silent connection, blocks stage 1 until
// its head timeout, and does nothing to stage 2.
func TestSlowClient(t *testing.T) {
	url := servePage(t)
	for _, slow := range []string{"half", "silent"} {
		shown := section(t, dump(t, url, "?run=slow&slow="+slow), "slow")
		m := regexp.MustCompile(`From stage 1 the page came after (\d+) ms, from stage 2 after (\d+) ms\.`).FindStringSubmatch(text(shown))
		if m == nil {
			t.Fatalf("%s: no times in:\n%s", slow, text(shown))
		}
		t.Logf("%s: %s", slow, m[0])
		one, two := number(t, m[1]), number(t, m[2])
		// The browser asks a moment after the slow client has connected.
		if limit := float64(headTimeout.Milliseconds()); one < limit/2 || one > 3*limit {
			t.Errorf("%s: stage 1 was blocked for %v ms, its head timeout is %v", slow, one, headTimeout)
		}
		if two > one/2 {
			t.Errorf("%s: stage 2 was blocked, too: %v ms", slow, two)
		}
		if n := strings.Count(shown, `<span class="name">slow client</span>`); n != 2 {
			t.Errorf("%s: %d lanes of the slow client", slow, n)
		}
	}
}

// TestLengths: what Chromium makes of four Content-Lengths, in its page and,
// where a page cannot see it, in its network log.
func TestLengths(t *testing.T) {
	url := servePage(t)
	var got map[string][]string
	var netLog string
	// Of the long one Chromium shows nothing, but in one run of about twenty it
	// is quicker to draw what came than to notice that more should have come.
	for try := 0; try < 3 && (try == 0 || !strings.HasPrefix(got["long"][2], "nothing")); try++ {
		netLog = filepath.Join(t.TempDir(), "net.json")
		got = shownLengths(section(t, dump(t, url, "?run=lengths", "--log-net-log="+netLog), "lengths"))
		if len(got["long"]) != 4 {
			t.Fatalf("the page shows %q", got)
		}
	}
	want := map[string][]string{
		"none":  {"36 bytes", "nothing", hello + " 36 bytes", "36 bytes, no error"},
		"short": {"36 bytes", "24 bytes", "太棒了，服务器正 24 bytes", "24 bytes, no error"}, // cut by 12
		"exact": {"36 bytes", "36 bytes", hello + " 36 bytes", "36 bytes, no error"},
		"long":  {"36 bytes", "60 bytes", "nothing, and has not finished loading", "0 bytes, then TypeError: network error"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sent, announced, the frame shows, fetch gets (-want +got):\n%s", diff)
	}
	urls := failed(t, netLog, "CONTENT_LENGTH_MISMATCH")
	t.Logf("ERR_CONTENT_LENGTH_MISMATCH: %q", urls)
	if len(urls) == 0 {
		t.Error("the network log has no ERR_CONTENT_LENGTH_MISMATCH")
	}
	for _, url := range urls {
		if !strings.Contains(url, "/long/HelloWorld.html") {
			t.Errorf("ERR_CONTENT_LENGTH_MISMATCH for %s", url)
		}
	}
}

// shownLengths is what the page says of each mode: sent, announced, what the
// frame shows, what fetch gets.
func shownLengths(shown string) map[string][]string {
	all := map[string][]string{}
	for _, card := range regexp.MustCompile(`(?s)<article data-mode="(\w+)">(.*?)</article>`).FindAllStringSubmatch(shown, -1) {
		var facts []string
		for _, fact := range regexp.MustCompile(`(?s)<dd>(.*?)</dd>`).FindAllStringSubmatch(card[2], 4) {
			facts = append(facts, strings.Join(strings.Fields(text(fact[1])), " "))
		}
		if card[1] == "long" { // whether fetch gives what came before the error is a matter of moments
			facts[3] = strings.Replace(facts[3], "36 bytes, then", "0 bytes, then", 1)
		}
		all[card[1]] = facts
	}
	return all
}

// failed lists the URLs of a network log that ended with this error.
func failed(t *testing.T, netLog, name string) (urls []string) {
	t.Helper()
	data, err := os.ReadFile(netLog)
	if err != nil {
		t.Fatal(err)
	}
	type params struct {
		URL      string `json:"url"`
		NetError int    `json:"net_error"`
	}
	var log struct {
		Constants struct {
			NetError map[string]int `json:"netError"`
		} `json:"constants"`
		Events []struct {
			Params json.RawMessage `json:"params"`
			Source struct {
				ID int `json:"id"`
			} `json:"source"`
		} `json:"events"`
	}
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatalf("the network log: %v", err)
	}
	number, ok := log.Constants.NetError["ERR_"+name]
	if !ok {
		t.Fatalf("the network log knows no ERR_%s", name)
	}
	of := map[int]string{}
	seen := map[string]bool{}
	for _, e := range log.Events {
		var p params
		json.Unmarshal(e.Params, &p) // those of other events have other types
		if p.URL != "" {
			of[e.Source.ID] = p.URL
		}
		if url := of[e.Source.ID]; p.NetError == number && !seen[url] {
			seen[url] = true
			urls = append(urls, url)
		}
	}
	return urls
}

// TestSameAndPersistent: the stages' bytes are equal in every case, and
// -keep-alive makes stage 1's browser wait.
func TestSameAndPersistent(t *testing.T) {
	dom := dump(t, servePage(t), "?run=same,persistent")
	cases, err := golden.Cases()
	if err != nil {
		t.Fatal(err)
	}
	same := rows(section(t, dom, "same"))
	t.Logf("%q", same)
	all := strconv.Itoa(len(cases))
	if len(same) != 6 || same[0][1] != all || same[1][1] != all || same[2][1] != all {
		t.Errorf("the counts are %q; want all of %s", same, all)
	}
	persistent := rows(section(t, dom, "persistent"))
	t.Logf("stage, flags, objects, page and objects, connections: %q", persistent)
	if len(persistent) != 4 {
		t.Fatalf("the table of totals is %q", persistent)
	}
	if shown := text(section(t, dom, "persistent")); !strings.Contains(shown, "still open at the end") {
		t.Errorf("no persistent connection is shown open, as the browser leaves it:\n%s", shown)
	}
	for i, row := range persistent {
		conns := number(t, row[4])
		if closing := i < 2; closing && conns < 7 || !closing && conns > 6 {
			t.Errorf("%v connections: %q", conns, row)
		}
	}
	one, oneKept, two, twoKept := number(t, persistent[0][3]), number(t, persistent[2][3]), number(t, persistent[1][3]), number(t, persistent[3][3])
	if oneKept < one+float64(idleTimeout.Milliseconds()) {
		t.Errorf("stage 1 took %v ms, with -keep-alive %v: nobody waited for an idle connection", one, oneKept)
	}
	if twoKept > 2*two {
		t.Errorf("stage 2 took %v ms, with -keep-alive %v", two, twoKept)
	}
}
