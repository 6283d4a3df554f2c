//go:build kit

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestShort runs everything once. No timing decides: every row has numbers of
// everybody who is here.
func TestShort(t *testing.T) {
	b, err := prepare(t.Context(), options{rounds: 1}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	rows, err := b.measure(t.Context())
	if err != nil || len(rows) != 8 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, c := range row.results {
			excused := runtime.GOOS != "linux" || c.missing != nil && strings.HasPrefix(c.missing.Error(), "not installed")
			if len(row.values(c)) != 1 && !excused {
				t.Errorf("row %d, %s: %+v", row.number, c.name, c)
			}
		}
	}
	t.Logf("\n%s", b.report(rows))
}

// TestWithoutTools: what is not installed is named, and the rest is measured.
func TestWithoutTools(t *testing.T) {
	goTool, err := exec.LookPath("go")
	only := t.TempDir()
	if err := errors.Join(err, os.Symlink(goTool, filepath.Join(only, filepath.Base(goTool)))); err != nil {
		t.Skip(err) // not every user of Windows may make a link
	}
	t.Setenv("PATH", only)
	var out strings.Builder
	if err := run(t.Context(), options{rounds: 1, only: "4,7"}, &out, io.Discard); err != nil {
		t.Error(err)
	}
	contains(t, out.String(), "row 4, stage 1: not measured: not installed: wrk: apt", "row 4, Python: not measured: not installed: python3: apt",
		"row 7, curl: not measured: not installed: curl: apt")
	if strings.Contains(out.String(), "row 7, stage 3") {
		t.Errorf("stage 3 needs no tool, and is not measured:\n%s", &out)
	}
}

// TestStudentsCopy: in a student's copy, bench runs, and names the steps that are not
// written.
func TestStudentsCopy(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("go", "run", "../handout", "-o", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("go", "run", "-C", folder, "./scripts/bench", "-rounds", "1", "-only", "4,7").CombinedOutput()
	if err != nil {
		t.Errorf("bench: %v", err)
	}
	contains(t, string(out), "row 4, stage 1: not measured: step 1.1 is not written yet", "row 7, stage 3: not measured: step 2.1 is not written yet")
}

// TestInterrupted: after Ctrl-C no file is left. (That no program is left is launch's
// promise, and tested there.)
func TestInterrupted(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // Windows
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	go func() {
		r.Read(make([]byte, 1)) // after row 1
		cancel()
		io.Copy(io.Discard, r)
	}()
	err := run(ctx, options{rounds: 1, only: "1,2"}, io.Discard, w)
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("the error is %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
