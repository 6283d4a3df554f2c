//go:build kit

package main

import (
	"context"
	"html"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

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
	profile, err := os.MkdirTemp("", "weblab-chromium-") // a new profile remembers nothing, and has nothing of the user's
	must(t, err)
	args := append([]string{"--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--dump-dom", "--user-data-dir=" + profile}, flags...)
	defer os.RemoveAll(profile)
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

// one is what the groups of a pattern match in a text, and all is that of each match.
func one(t *testing.T, pattern, text string) []string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing like %s in:\n%s", pattern, text)
	}
	return m[1:]
}

func all(pattern, text string) [][]string {
	return regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
}

// section is what an experiment shows, in English; the experiment must have ended well.
func section(t *testing.T, dom, id string) string {
	t.Helper()
	m := one(t, `(?s)<section id="`+id+`"[^>]*data-state="(\w+)"[^>]*>(.*?)</section>`, english(dom))
	if m[0] != "done" {
		t.Fatalf("the experiment %s did not end well:\n%s", id, text(m[1]))
	}
	return m[1]
}

// english leaves of what the page says in two languages the English words.
func english(elements string) string {
	elements = regexp.MustCompile(`<span lang="zh-CN">[^<]*</span>`).ReplaceAllString(elements, "")
	return regexp.MustCompile(`<span lang="en">([^<]*)</span>`).ReplaceAllString(elements, "$1")
}

func text(elements string) string {
	return strings.TrimSpace(html.UnescapeString(regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(elements, " ")))
}

// rows are the cells of the tables' bodies.
func rows(elements string) (table [][]string) {
	for _, row := range all(`(?s)<tr><td.*?</tr>`, elements) {
		var cells []string
		for _, cell := range all(`(?s)<td[^>]*>(.*?)</td>`, row[0]) {
			cells = append(cells, text(cell[1]))
		}
		table = append(table, cells)
	}
	return table
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, " ms"), 64)
	must(t, err)
	return n
}
