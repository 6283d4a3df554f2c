//go:build kit

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tempDirs makes a temporary directory that everything uses from now on, the
// compiler too: so what is left behind is seen.
func tempDirs(t *testing.T) string {
	t.Helper()
	dir := openDir(t)
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	return dir
}

// leftBehind lists, a line each, what a grading left: files in its temporary
// directory or near, attacks' files elsewhere, mounts, and processes.
func leftBehind(t *testing.T, temp, near, mounts string) (left string) {
	t.Helper()
	for _, dir := range []string{temp, near} {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if filepath.Base(name) != "canary" {
				left += name + "\n"
			}
		}
	}
	names, _ := filepath.Glob("/tmp/weblab-attack-*") // the pattern is a good one
	more, _ := filepath.Glob("/dev/shm/weblab-attack-*")
	for _, name := range append(names, more...) {
		left += name + "\n"
	}
	if mountsHere(t) != mounts {
		left += "a mount\n"
	}
	return left + stillRunning(temp)
}

// mountsHere lists the file systems that are mounted, where /proc tells.
func mountsHere(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil && !os.IsNotExist(err) { // only Linux has it
		t.Fatal(err)
	}
	return string(mounts)
}

// stillRunning lists, a line each, the processes of a grading that go on, where
// /proc tells: their program is in its temporary directory, whatever name they
// have given themselves.
func stillRunning(temp string) (running string) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		running = ""
		names, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is a good one
		for _, name := range names {
			line, _ := os.ReadFile(name) // it may have ended meanwhile
			program, _ := os.Readlink(filepath.Join(filepath.Dir(name), "exe"))
			if bytes.Contains(line, []byte("weblab-attack-stays")) || bytes.Contains(line, []byte(temp)) || strings.HasPrefix(program, temp) {
				running += fmt.Sprintf("%s %q\n", name, line)
			}
		}
		if running == "" || time.Now().After(deadline) {
			return running
		}
	}
}
