//go:build kit

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/internal/kit"
)

// TestSoak soaks the stages as they are, for as short as -soak allows.
func TestSoak(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"-soak", leastSoak.String()}, &out, io.Discard)
	needRace(t, err)
	t.Logf("\n%s", out.String())
	if err != nil {
		t.Error(err)
	}
	for _, none := range []string{"  good +0 ", "  malformed +.* 0 ", "  aborted +.* 0 ", "requests +.* 0 "} {
		if regexp.MustCompile(none).MatchString(out.String()) {
			t.Errorf("a count is 0: %q", none)
		}
	}
}

// needRace skips a test where there is no race detector.
func needRace(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errNoRace) {
		t.Skip(err)
	}
}

// faults are what a soak must find, each put into a copy of a file of the stages, with
// what is said about it.
var faults = []struct{ file, before, after, said string }{
	{"stage1-single/http1/conn.go", "defer resp.File.Close() // if", "_ = resp.File // if",
		`descriptors more than|garbage collector closed [0-9]+ descriptors`},
	{"stage1-single/rig/conn.go", "	l.serving.Add(1)\n", "	l.serving.Add(1)\n	if l.KeepAlive && l.accepted.Load()%20 == 0 {\n		go func() { select {} }()\n	}\n",
		`[0-9] goroutines more`},
	{"stage1-single/rig/conn.go", "	c.listener.experiment(resp)\n", "	c.listener.experiment(resp)\n	if c.listener.KeepAlive {\n		kept = append(kept, make([]byte, 4096))\n	}\n",
		`live bytes more`},
	{"stage1-single/rig/log.go", "func (c *Conn) logs() bool {", "var (\n	kept  [][]byte\n	calls int\n)\n\nfunc (c *Conn) logs() bool {\n	calls++\n", // what conn.go keeps, and a count without a lock
		`[1-9][0-9]* data races`},
	{"stage1-single/rig/conn.go", "	c.status, c.closes = ", "	if c.listener.accepted.Load()%50 == 7 {\n		resp.Allow = \"GET\"\n	}\n	c.status, c.closes = ",
		`[1-9][0-9]* wrong answers`},
	{"stage1-single/rig/conn.go", "	c.unasked -= req.Size\n", "	c.unasked -= req.Size\n	if c.listener.accepted.Load()%100 == 13 {\n		panic(io.ErrNoProgress)\n	}\n",
		`[1-9][0-9]* panics`},
	{"stage1-single/rig/conn.go", "	if l.KeepAlive { // many", "	if !l.KeepAlive && l.accepted.Load() == 1000 {\n		os.Exit(7)\n	}\n	if l.KeepAlive { // many",
		`stage 2: it ended by itself, with status 7`},
}

// TestSoakFindsFaults soaks servers with faults in them: each is found.
func TestSoakFindsFaults(t *testing.T) {
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string][]byte{}
	for _, f := range faults {
		if broken[f.file] == nil {
			if broken[f.file], err = os.ReadFile(filepath.Join(root, filepath.FromSlash(f.file))); err != nil {
				t.Fatal(err)
			}
		}
		if n := bytes.Count(broken[f.file], []byte(f.before)); n != 1 {
			t.Fatalf("%s has %q %d times", f.file, f.before, n)
		}
		broken[f.file] = bytes.Replace(broken[f.file], []byte(f.before), []byte(f.after), 1)
	}
	s := newSoak(root, options{seed: 1}, newProgress(io.Discard))
	s.warmUp, s.rest, s.replaced, s.servers = time.Second, 3*time.Second, broken, s.servers[1:]
	err = s.run(t.Context())
	needRace(t, err)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printSoak(&out, s, 0); err != nil {
		t.Error(err)
	}
	trouble := s.trouble()
	t.Logf("\n%v\n%.5000s", trouble, out.String())
	for _, f := range faults {
		if trouble == nil || !regexp.MustCompile(f.said).MatchString(trouble.Error()) {
			t.Errorf("not found: %q", f.after)
		}
	}
	if !strings.Contains(out.String(), "said:\nWARNING: DATA RACE\n") {
		t.Error("the report of the race detector is not told")
	}
}

// TestSoakInterrupted: after Ctrl-C nothing is left, neither a file nor a program.
func TestSoakInterrupted(t *testing.T) {
	root, err := kit.Find()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, temp)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newSoak(root, options{seed: 1}, newProgress(io.Discard))
	s.warmUp = time.Hour
	go func() {
		const busy = 1000 // requests: more than before the clients are let in
		for s.servers[1].asked(good, huge) < busy && pause(ctx, 10*time.Millisecond) {
		}
		cancel()
	}()
	err = s.run(ctx)
	cancel()
	needRace(t, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	nothingLeft(t, temp)
}

// TestSoakWithoutCompiler: what is missing is said.
func TestSoakWithoutCompiler(t *testing.T) {
	onlyGo(t)
	t.Setenv("CGO_ENABLED", "0")
	err := run(t.Context(), []string{"-soak", "10s"}, io.Discard, io.Discard)
	if err == nil {
		t.Skip("the race detector works here without cgo")
	}
	if !errors.Is(err, errNoRace) || errors.Is(err, errUsage) {
		t.Errorf("the error is %v", err)
	}
}
