package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/term"
)

// watchWorkspace grades the workspace, and again whenever a file of a stage
// changes, until it is interrupted. It looks at the files again and again:
// network disks and WSL do not tell of changes.
func (g *grader) watchWorkspace(ctx context.Context, stdout io.Writer) error {
	const often = 500 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		state := g.sources()
		s := g.submissions()[0]
		g.gradeOne(ctx, 0, s)
		if ctx.Err() == nil {
			if term.IsTerminal(stdout) {
				fmt.Fprint(stdout, "\x1b[2J\x1b[H") // an empty screen
			}
			if err := show(stdout, fmt.Sprintf("%s\n%s\nwatching; Ctrl-C ends\n", time.Now().Format("15:04:05"), progress(s))); err != nil {
				return err
			}
		}
		for state == g.sources() {
			select {
			case <-ctx.Done():
				return nil // Ctrl-C is the way to end this
			case <-tick.C:
			}
		}
	}
}

// sources is a text that changes when a file of a stage does.
func (g *grader) sources() string {
	var b strings.Builder
	for n := range 3 {
		filepath.WalkDir(filepath.Join(g.root, kit.Folder(n+1)), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // a file that is being written may be gone for a moment
			}
			if info, err := d.Info(); err == nil {
				fmt.Fprintln(&b, name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}

// progress is a bar of the steps that are done, and the first failure. A step
// counts once, in the stage where it is written.
func progress(s *submission) string {
	done, of, first := 0, 0, s.Trouble
	for _, r := range s.Stages {
		first = cmp.Or(first, r.Problem)
		if c := s.first(r, func(c golden.Result) bool { return c.Status == golden.Failed }); c != nil {
			first = cmp.Or(first, c.String())
		}
		for _, row := range rowsOf(r.Results) {
			if row.Stage != r.Stage {
				continue
			}
			if of++; r.State == graded && row.mark == stepPassed {
				done++
			}
		}
	}
	return fmt.Sprintf("[%s%s] %d of %d steps\n\n%s", strings.Repeat("#", done), strings.Repeat(".", of-done), done, of, indent(cmp.Or(first, "All passed."), ""))
}
