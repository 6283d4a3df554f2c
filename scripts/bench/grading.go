package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// A gradingTime is how long it took to grade a number of submissions.
type gradingTime struct {
	Submissions int     `json:"submissions"`
	Seconds     float64 `json:"seconds"`
	Each        float64 `json:"seconds_each"`
	Failed      bool    `json:"failed,omitempty"` // some checks failed: perhaps the machine was too busy
}

// noise is how much longer each submission may take when there are more of them.
// Two runs of the same work differ by as much.
const noise = 1.15

// growGrading measures scripts/grade with more and more copies of the solved kit.
// They share Go's build cache: what one submission has built, the next one need
// not build again.
func (b *bench) growGrading(ctx context.Context) (times []gradingTime, err error) {
	counts := []int{1, 10, 50}
	if b.short {
		counts = []int{1, 2}
	}
	b.progress.now("building scripts/grade")
	program := filepath.Join(b.temp, "grade.exe") // Windows needs the ending, the others do not mind
	if err := b.goBuild(ctx, program, "./scripts/grade"); err != nil {
		return nil, err
	}
	var folders []string
	for i := range counts[len(counts)-1] {
		dir := filepath.Join(b.temp, "submissions", fmt.Sprintf("student-%02d", i+1))
		for stage := range kit.Stages {
			if err := os.CopyFS(filepath.Join(dir, stage), os.DirFS(filepath.Join(b.root, stage))); err != nil {
				return nil, err
			}
		}
		folders = append(folders, dir)
	}
	for _, n := range counts {
		b.progress.now("grading: %d of %v submissions", n, counts)
		t, err := b.grade(ctx, program, folders[:n])
		if err != nil {
			return times, err
		}
		times = append(times, t)
		b.progress.done("grading: %d submissions", n)
	}
	return times, nil
}

// grade grades the folders, as many at once as there are processors.
func (b *bench) grade(ctx context.Context, program string, folders []string) (t gradingTime, err error) {
	const most = 2 * time.Minute // for one submission; grade ends a program that hangs before this
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(folders))*most)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"-j", fmt.Sprint(runtime.NumCPU())}, folders...)...)
	cmd.Dir = b.root
	cmd.Cancel = func() error { return launch.KillGroup(cmd) }
	cmd.WaitDelay = time.Second
	launch.OwnGroup(cmd)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start).Seconds()
	const someFailed = 1 // grade's exit status
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == someFailed {
		t.Failed, err = true, nil
	}
	if err != nil {
		return t, fmt.Errorf("scripts/grade: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	t.Submissions, t.Seconds, t.Each = len(folders), took, took/float64(len(folders))
	return t, nil
}

// linear reports whether a submission takes no longer when there are more of them.
func linear(times []gradingTime) bool {
	for i := range times[min(1, len(times)):] {
		if times[i+1].Each > times[i].Each*noise {
			return false
		}
	}
	return true
}
