package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/launch"
)

// allocations asks http1's own benchmark how often a request takes memory from
// the heap. The count is exact: it is the same on every machine.
func (b *bench) allocations(ctx context.Context) (measurement, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	args := []string{"test", "-run", "^$", "-bench", "Serve/server=http1", "-benchmem"}
	if b.short {
		args = append(args, "-benchtime", "1000x")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(b.root, golden.Folder(1), "http1")
	cmd.Cancel = func() error { return launch.KillGroup(cmd) }
	cmd.WaitDelay = time.Second
	launch.OwnGroup(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return measurement{}, fmt.Errorf("go test: %w\n%s", err, out)
	}
	n, err := parseAllocs(string(out), "BenchmarkServe/server=http1")
	return measurement{value: n}, err
}

// parseAllocs finds a benchmark in the output of go test -benchmem, in which a
// line is a name, a count, and numbers each followed by their unit:
//
//	BenchmarkServe/server=http1-2   71030   14861 ns/op   272 B/op   3 allocs/op
func parseAllocs(out, benchmark string) (float64, error) {
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != benchmark && !strings.HasPrefix(f[0], benchmark+"-") {
			continue
		}
		for i := 3; i < len(f); i += 2 {
			if f[i] == "allocs/op" {
				return strconv.ParseFloat(f[i-1], 64)
			}
		}
	}
	return 0, fmt.Errorf("go test has no allocs/op of %s: %q", benchmark, out)
}
