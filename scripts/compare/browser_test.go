//go:build kit

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"image/png"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/launch"
)

// dump loads a page in Chromium, or a related browser, without a window, and returns its
// elements when it has loaded. Where there is no browser the test is skipped; where
// CHROMIUM names one that is not there it fails, and so .ci/run sets it.
func dump(t *testing.T, url string, flags ...string) string {
	t.Helper()
	chromium := os.Getenv("CHROMIUM")
	for _, name := range browsers {
		if path, err := exec.LookPath(os.ExpandEnv(name)); chromium == "" && err == nil {
			chromium = path
		}
	}
	if chromium == "" {
		t.Skip("no Chromium was found: install it (on Debian: apt-get install chromium), or say where it is: CHROMIUM=/path/to/chromium")
	}
	args := append([]string{"--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--dump-dom", "--user-data-dir=" + t.TempDir()}, flags...)
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // as root, Chromium refuses to run with a sandbox
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := launch.Command(ctx, chromium, append(args, url)...)
	stderr := &launch.Tail{Most: 2000}
	cmd.Stderr = stderr
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", chromium, err, stderr)
	}
	return string(dom)
}

// browsers are the names of Chromium and its relatives.
var browsers = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
	`${ProgramFiles}\Google\Chrome\Application\chrome.exe`, `${ProgramFiles}\Microsoft\Edge\Application\msedge.exe`,
	`${ProgramFiles(x86)}\Google\Chrome\Application\chrome.exe`, `${ProgramFiles(x86)}\Microsoft\Edge\Application\msedge.exe`,
	`${LocalAppData}\Google\Chrome\Application\chrome.exe`, `${LocalAppData}\Microsoft\Edge\Application\msedge.exe`,
}

// servePage builds the stages and serves the page until the test is over.
func servePage(t *testing.T) (url string) {
	t.Helper()
	c, err := prepare(t.Context(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return c.servePage(ln)
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

// TestPageRuns runs all experiments in one page, and looks at what each of them shows.
func TestPageRuns(t *testing.T) {
	url := servePage(t)
	netLog := filepath.Join(t.TempDir(), "net.json")
	dom := dump(t, url+"?run=objects,slow,lengths,same,persistent&report", "--log-net-log="+netLog)
	dom, report, _ := strings.Cut(dom, `<pre id="report">`)
	// again runs one of them again. A machine that is busy with something else may be
	// late, but not for long.
	again := func(query, id string) string { return section(t, dump(t, url+query), id) }

	t.Run("objects", func(t *testing.T) {
		shown := section(t, dom, "objects")
		for try := 1; try < 3 && number(t, rows(shown)[1][2]) >= 3*delay; try++ {
			shown = again("?run=objects", "objects")
		}
		checkObjects(t, shown)
	})
	t.Run("slow, half", func(t *testing.T) { checkSlow(t, section(t, dom, "slow")) })
	silent := dump(t, url+"?run=slow&slow=silent&report")
	t.Run("slow, silent", func(t *testing.T) { checkSlow(t, section(t, silent, "slow")) })
	t.Run("lengths", func(t *testing.T) {
		got := shownLengths(section(t, dom, "lengths"))
		// Of the long one Chromium shows nothing, but in one run of about twenty it
		// is quicker to draw what came than to notice that more should have come.
		for try := 1; try < 3 && !strings.HasPrefix(got["long"][2], "nothing"); try++ {
			got = shownLengths(again("?run=lengths", "lengths"))
		}
		checkLengths(t, got, netLog)
	})
	t.Run("same", func(t *testing.T) {
		cases, err := golden.Cases()
		same, all := rows(section(t, dom, "same")), strconv.Itoa(len(cases))
		t.Logf("%q", same)
		if err != nil || len(same) != 6 || same[0][1] != all || same[1][1] != all || same[2][1] != all {
			t.Errorf("the counts are %q; want all of %s (%v)", same, all, err)
		}
	})
	t.Run("persistent", func(t *testing.T) { checkPersistent(t, section(t, dom, "persistent")) })
	t.Run("report", func(t *testing.T) { checkReport(t, dom, report) })
	t.Run("screenshots", func(t *testing.T) { checkScreenshots(t, url) })
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
	one, two := number(t, table[0][2]), number(t, table[1][2])
	says := regexp.MustCompile(`6 objects, each answer delayed by 100 ms, a connection for each: stage 1 took ([\d.]+) times as long`).FindStringSubmatch(text(shown))
	if says == nil || math.Abs(number(t, says[1])-one/two) > 0.1 {
		t.Errorf("the ratio of %v and %v is told as %q", one, two, says)
	}
	if one < 5*delay || two >= 3*delay {
		t.Errorf("six objects took stage 1 %v ms: is that one after the other? And stage 2 %v ms: is that all at once?", one, two)
	}
	if queued := strings.Count(shown, `class="queue"`); queued < 4 {
		t.Errorf("%d connections are seen waiting in the queue", queued)
	}
	if !regexp.MustCompile(`connection \d: connected at \d+ ms, waited [3-6]\d\d ms in the queue, accepted at`).MatchString(text(shown)) {
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
	checkBars(t, shown)
}

// checkBars: the bars of both stages' pictures, browser's and server's, are on
// one axis: where the words say a millisecond, a bar of the lane ends there.
func checkBars(t *testing.T, shown string) {
	lanes := regexp.MustCompile(`(?s)<li><span class="name">([^<]*)</span><span class="hidden">: ([^<]*)</span><div class="track" aria-hidden="true"[^>]*>(.*?)</div></li>`).FindAllStringSubmatch(shown, -1)
	if len(lanes) != 4*7 {
		t.Fatalf("%d lanes", len(lanes))
	}
	last := make([]float64, len(lanes)) // the last moment that the words say
	for i, l := range lanes {
		for _, m := range regexp.MustCompile(`(?:at|to) ([\d.]+)`).FindAllStringSubmatch(l[2], -1) {
			last[i] = number(t, m[1])
		}
	}
	for i, l := range lanes {
		right := 0.0
		for _, m := range regexp.MustCompile(`left:\s*([\d.]+)%;\s*width:\s*([\d.]+)%`).FindAllStringSubmatch(l[3], -1) {
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
	m := regexp.MustCompile(`From stage 1 the page came after (\d+) ms, from stage 2 after (\d+) ms\.`).FindStringSubmatch(text(shown))
	if m == nil {
		t.Fatalf("no times in:\n%s", text(shown))
	}
	t.Log(m[0])
	one, two := number(t, m[1]), number(t, m[2])
	// The browser asks a moment after the slow client has connected.
	if limit := float64(headTimeout.Milliseconds()); one < limit/2 || one > 3*limit || two > one/2 {
		t.Errorf("with a head timeout of %v stage 1 was blocked for %v ms, stage 2 for %v ms", headTimeout, one, two)
	}
	if n := strings.Count(shown, `<span class="name">slow client</span>`); n != 2 {
		t.Errorf("%d lanes of the slow client", n)
	}
}

// shownLengths is what the page says of each mode: sent, announced, what the
// frame shows, what fetch gets.
func shownLengths(shown string) map[string][]string {
	all := map[string][]string{}
	for _, card := range regexp.MustCompile(`(?s)<article data-mode="(\w+)">(.*?)</article>`).FindAllStringSubmatch(shown, -1) {
		facts := make([]string, 4)
		for i, fact := range regexp.MustCompile(`(?s)<dd>(.*?)</dd>`).FindAllStringSubmatch(card[2], 4) {
			facts[i] = strings.Join(strings.Fields(text(fact[1])), " ")
		}
		if card[1] == "long" { // whether fetch gives what came before the error is a matter of moments
			facts[3] = strings.Replace(facts[3], "36 bytes, then", "0 bytes, then", 1)
		}
		all[card[1]] = facts
	}
	return all
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
	if err != nil {
		t.Fatal(err)
	}
	const mismatch = -354 // ERR_CONTENT_LENGTH_MISMATCH
	urls, found := map[int]string{}, 0
	for line := range bytes.Lines(data) {
		var e struct {
			Params struct {
				URL      string
				NetError int `json:"net_error"`
			}
			Source struct{ ID int }
		}
		json.Unmarshal(bytes.TrimRight(line, ",\n"), &e) // other lines, and other events, have other types
		if e.Params.URL != "" {
			urls[e.Source.ID] = e.Params.URL
		}
		if e.Params.NetError == mismatch {
			found++
			if url := urls[e.Source.ID]; !strings.Contains(url, "/long/HelloWorld.html") {
				t.Errorf("ERR_CONTENT_LENGTH_MISMATCH for %s", url)
			}
		}
	}
	if found == 0 || !bytes.Contains(data, []byte(fmt.Sprintf(`"ERR_CONTENT_LENGTH_MISMATCH":%d`, mismatch))) {
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
	if !strings.Contains(text(shown), "still open at the end") {
		t.Errorf("no persistent connection is shown open, as the browser leaves it:\n%s", text(shown))
	}
	took := make([]float64, 4) // stage 1, stage 2, both with -keep-alive
	for i, row := range table {
		took[i] = number(t, row[3])
		if conns, closing := number(t, row[4]), i < 2; closing && conns < 7 || !closing && conns > 6 {
			t.Errorf("%v connections: %q", conns, row)
		}
	}
	if took[2] < took[0]+float64(idleTimeout.Milliseconds()) {
		t.Errorf("stage 1 took %v ms, with -keep-alive %v: nobody waited for an idle connection", took[0], took[2])
	}
	if took[3] > 2*took[1] {
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
	if err := os.WriteFile(file, []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	saved := dump(t, "file://"+filepath.ToSlash(file))
	for _, id := range []string{"objects", "slow", "lengths", "same", "persistent"} {
		want, got := section(t, dom, id), section(t, saved, id)
		if diff := cmp.Diff(rows(want), rows(got)) + cmp.Diff(shownLengths(want), shownLengths(got)); diff != "" {
			t.Errorf("%s (-page +report):\n%s", id, diff)
		}
	}
	m := regexp.MustCompile(`(?s)<pre id="raw">(.*?)</pre>`).FindStringSubmatch(saved)
	if m == nil {
		t.Fatal("no raw data in the report")
	}
	var raw struct {
		About   struct{ Machine string }
		Browser string
		Saved   time.Time
		Objects []outcome
		Lengths []lengthAnswer
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &raw); err != nil {
		t.Fatalf("the raw data: %v", err)
	}
	if raw.About.Machine == "" || !strings.Contains(raw.Browser, "Chrome") || time.Since(raw.Saved) > time.Hour ||
		len(raw.Objects) != 2 || len(raw.Objects[0].Log) < 7*4 || len(raw.Objects[1].Timings) != 7 || len(raw.Lengths) != 4 {
		t.Errorf("the raw data is not whole: %+v", raw)
	}
}

var update = flag.Bool("update", false, "write the pictures of the page that README shows anew")

// checkScreenshots: the pictures in README can still be made, as large as they are there.
func checkScreenshots(t *testing.T, url string) {
	for _, s := range []struct {
		experiment, file string
		width, height    int
	}{
		{"objects", "six-objects.png", 960, 830},
		{"lengths", "content-length.png", 960, 450},
	} {
		made, shown := filepath.Join(t.TempDir(), s.file), filepath.Join("..", "..", "lab-notes", "img", s.file)
		dom := dump(t, url+"?run="+s.experiment, "--screenshot="+made, fmt.Sprintf("--window-size=%d,%d", s.width, s.height))
		section(t, dom, s.experiment) // has ended well
		for _, name := range []string{made, shown} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
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
				if err := os.WriteFile(shown, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
