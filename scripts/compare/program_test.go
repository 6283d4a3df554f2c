//go:build kit

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"weblab.example/scripts/internal/launch"
)

// TestReport: the saved report is one file that shows what the page showed,
// loads nothing, runs nothing, and has the raw events in it.
func TestReport(t *testing.T) {
	dom := dump(t, servePage(t), "?run=objects,lengths&report")
	m := regexp.MustCompile(`(?s)<pre id="report">(.*?)</pre>`).FindStringSubmatch(dom)
	if m == nil {
		t.Fatalf("no report in:\n%s", text(dom))
	}
	report := html.UnescapeString(m[1])
	for _, bad := range []string{"<script", "<link", "<iframe", "<img", "<button", "url("} {
		if strings.Contains(report, bad) {
			t.Errorf("the report has a %s in it", bad)
		}
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	saved := dump(t, "file://"+filepath.ToSlash(file), "")
	for _, id := range []string{"objects", "lengths"} {
		want := rows(section(t, dom[:strings.Index(dom, `<pre id="report">`)], id))
		if diff := cmp.Diff(want, rows(section(t, saved, id))); diff != "" {
			t.Errorf("%s (-page +report):\n%s", id, diff)
		}
	}
	if strings.Contains(saved, `<section id="slow"`) {
		t.Error("the report has an experiment that was not run")
	}
	m = regexp.MustCompile(`(?s)<pre id="raw">(.*?)</pre>`).FindStringSubmatch(saved)
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

// TestScreenshots: the pictures in the README can still be made, as large as
// they are there.
func TestScreenshots(t *testing.T) {
	chromium(t)
	dir := t.TempDir()
	if err := run(t.Context(), []string{"-screenshots", dir}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, s := range screenshots {
		for _, name := range []string{filepath.Join(dir, s.file), filepath.Join("..", "..", "lab-notes", "img", s.file)} {
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
			for x := range s.width {
				for y := range s.height {
					colours[picture.At(x, y)] = true
				}
			}
			if len(colours) < 50 {
				t.Errorf("%s has %d colours: it is empty", name, len(colours))
			}
		}
	}
}

// build builds this program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "compare.exe") // Windows needs the ending, the others do not mind
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestText: the same in the terminal, without any browser.
func TestText(t *testing.T) {
	cmd := launch.Command(t.Context(), build(t), "-text")
	cmd.Env = append(os.Environ(), "CHROMIUM=/nowhere", "PATH="+filepath.Dir(goTool(t)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	for _, want := range []string{
		`(?m)^  object-6\.svg +\|[ .-]*#+ *\|$`,
		`(?m)^  connection 7 +\| *:{20,}=+_* *\|$`,
		`(?m)^stage 1 took [234]\.\d times as long as stage 2$`, // 7 delays to 2
		`(?m)^  slow client +\|\?{40,}`,
		`announced: nothing, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n`,
		`announced: 24, sent: 36 bytes\n  a client that trusts the head gets 24 bytes: 太棒了，服务器正\n`,
		`announced: 36, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n`,
		`announced: 60, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n  and then reports: unexpected EOF\n`,
		`stage 1 and stage 2 sent equal bytes:  (\d+); these were the golden bytes: `,
		`-keep-alive -idle-timeout 1s\n`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("the output has nothing like %s", want)
		}
	}
}

func goTool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestStops: Ctrl-C ends the program with status 0, and the stages with it.
func TestStops(t *testing.T) {
	cmd := launch.Command(t.Context(), build(t), "-no-browser")
	stdout, w := io.Pipe()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Kill() }) // it has ended, as it should
	var url string
	if _, err := fmt.Fscanf(stdout, "%s compares the stages", &url); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout) // until it ends
	resp, err := http.Post(url+"trials", "application/json", strings.NewReader(`{"stage":2,"objects":1}`))
	if err != nil {
		t.Fatal(err)
	}
	var begun struct{ Port string }
	err = json.NewDecoder(resp.Body).Decode(&begun)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	stage := net.JoinHostPort("127.0.0.1", begun.Port)
	conn, err := net.Dial("tcp", stage)
	if err != nil {
		t.Fatalf("the stage does not run: %v", err)
	}
	conn.Close()
	if err := cmd.AskToStop(); err != nil {
		t.Fatal(err)
	}
	if status, err := cmd.Wait(10 * time.Second); err != nil || status != 0 {
		t.Errorf("after Ctrl-C: exit status %d, %v", status, err)
	}
	if conn, err := net.Dial("tcp", stage); err == nil {
		conn.Close()
		t.Error("the stage still runs")
	}
}

// TestUnwritten: in a student's copy the stages are not written yet, and that
// is what is said, everywhere: there is no picture of it.
func TestUnwritten(t *testing.T) {
	copied := filepath.Join(t.TempDir(), "copy")
	for _, c := range []struct {
		dir, says string
		args      []string
	}{
		{filepath.Join("..", ".."), "stage1-single: ", []string{"run", "./scripts/handout", "-o", copied}},
		{copied, "step 1.1 is not written yet", []string{"run", "./scripts/compare", "-text"}},
	} {
		cmd := launch.Command(t.Context(), "go", c.args...)
		cmd.Dir = c.dir
		out, _ := cmd.CombinedOutput() // what it says is looked at
		if !strings.Contains(string(out), c.says) {
			t.Fatalf("go %q says nothing of %q:\n%s", c.args, c.says, out)
		}
	}
	chromium(t)
	t.Chdir(copied)
	dom := dump(t, servePage(t), "?run=objects,slow,lengths,same,persistent")
	for _, id := range []string{"objects", "slow", "lengths", "same", "persistent"} {
		m := regexp.MustCompile(`(?s)<section id="` + id + `"[^>]*data-state="failed".*?<p class="error" role="alert">(.*?)</p>`).FindStringSubmatch(dom)
		if m == nil || !regexp.MustCompile(`step [12]\.1 is not written yet`).MatchString(m[1]) { // which of the stages is met first
			t.Errorf("%s says %q", id, m)
		}
	}
	if err := run(t.Context(), []string{"-screenshots", "pictures"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "step 1.1") {
		t.Errorf("screenshots of that: %v", err)
	}
}
