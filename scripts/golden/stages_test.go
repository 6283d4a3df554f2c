package golden

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"weblab.example/scripts/internal/kit"
)

// TestStages builds every stage that go.work names and grades it. It is what
// makes `go test ./...` at the root mean something.
func TestStages(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	named := modules(t, root)
	for folder := range kit.Stages {
		if !named[folder] {
			t.Errorf("go.work does not name %s: it would not be graded", folder)
		}
	}
	// The stages mostly wait, so they are graded at once, however few processors there are.
	type graded struct {
		results []Result
		err     error
	}
	stages := map[string]chan graded{}
	dir := t.TempDir()
	for folder := range named {
		stage, known := kit.Stages[folder]
		if !known {
			t.Errorf("go.work names %s, and no check grades it", folder)
			continue
		}
		watch(t, filepath.Join(root, folder))
		done := make(chan graded, 1)
		stages[folder] = done
		go func() {
			program := filepath.Join(dir, folder+".exe") // Windows needs the ending, the others do not mind
			if err := kit.Build(t.Context(), root, folder, program, raceDetector); err != nil {
				done <- graded{err: err}
				return
			}
			done <- graded{results: gradeInTest(t, Checks(stage), Program{Args: []string{program}})}
		}()
	}
	for folder, done := range stages {
		g := <-done
		t.Run(folder, func(t *testing.T) {
			if g.err != nil {
				t.Fatal(g.err)
			}
			Report(t, g.results)
		})
	}
}

// modules returns the folders that go.work names, the root itself aside.
func modules(t *testing.T, root string) map[string]bool {
	t.Helper()
	read(t, filepath.Join(root, "go.work"))
	cmd := exec.Command("go", "work", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go work edit -json: %v", err)
	}
	var work struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(out, &work); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, use := range work.Use {
		if folder := filepath.ToSlash(filepath.Clean(use.DiskPath)); folder != "." {
			named[folder] = true
		}
	}
	return named
}

// watch opens every file of a stage. The go command notes which files a test
// opens, and does not answer from its cache when one of them has changed;
// what the go command that builds the stage opens, it does not note.
func watch(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			read(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) {
	t.Helper()
	if _, err := os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
}

// build builds a stage, with the race detector if the test has it.
func build(t *testing.T, root, folder string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), folder+".exe") // Windows needs the ending, the others do not mind
	if err := kit.Build(t.Context(), root, folder, program, raceDetector); err != nil {
		t.Fatal(err)
	}
	return program
}
