//go:build kit

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestShort runs everything for a short while. No timing decides: every row
// has numbers of everybody who is here.
func TestShort(t *testing.T) {
	drawn := filepath.Join(t.TempDir(), "bench.svg")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-short", "-json", "-svg", drawn}, &out, os.Stderr); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != len(rowNames) {
		t.Errorf("%d rows, want %d", len(r.Rows), len(rowNames))
	}
	for _, row := range r.Rows {
		for _, c := range row.Contestants {
			if strings.Contains(c.NotMeasured, "not installed") || c.NotMeasured == errNotHere.Error() {
				t.Logf("row %d, %s: %s", row.Row, c.Name, c.NotMeasured)
				continue
			}
			if len(c.Values) != 1 || c.Median <= 0 || c.Median != c.Values[0] || c.Want != 0 && c.Holds == nil {
				t.Errorf("row %d: %+v", row.Row, c)
			}
		}
	}
	if len(r.Connections) != 2*len(growing) {
		t.Errorf("%d points, want %d", len(r.Connections), 2*len(growing))
	}
	for _, p := range r.Connections {
		if p.NotMeasured == "" && (p.Requests <= 0 || runtime.GOOS == "linux" && p.Memory <= 0) {
			t.Errorf("%+v", p)
		}
	}
	if info, err := os.Stat(drawn); err != nil || info.Size() < 1000 {
		t.Errorf("the picture: %v, %v", info, err)
	}
	t.Logf("%.0f s", r.Took)
}

// onlyGo leaves the test a PATH that has the go command and nothing else.
func onlyGo(t *testing.T) {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(goTool, filepath.Join(dir, filepath.Base(goTool))); err != nil {
		t.Skip(err)
	}
	t.Setenv("PATH", dir)
}

// TestWithoutTools: what is not installed is named, and the rest is measured.
func TestWithoutTools(t *testing.T) {
	onlyGo(t)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-short", "-only", "4,8"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"row 4, Python: not measured: python3 is not installed: apt", "row 8, curl: not measured: curl is not installed: apt",
		"load: wrk is not installed, so", "missing: wrk is not installed: apt",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// cancelling cancels when something is written to it.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

// TestInterrupted: after Ctrl-C nothing is left, neither a file nor a program.
func TestInterrupted(t *testing.T) {
	temp := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, temp)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := run(ctx, []string{"-short", "-only", "1,2"}, io.Discard, cancelling{cancel}) // written to after row 1
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("the error is %v", err)
	}
	nothingLeft(t, temp)
}

// nothingLeft checks that the folder for temporary files is empty, and that no
// program runs which was started from it.
func nothingLeft(t *testing.T, temp string) {
	t.Helper()
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // on Linux
	for _, file := range lines {
		line, _ := os.ReadFile(file) // it may have ended
		if bytes.Contains(line, []byte(temp)) && !strings.HasPrefix(file, fmt.Sprintf("/proc/%d/", os.Getpid())) {
			t.Errorf("still running: %q", line)
		}
	}
}
