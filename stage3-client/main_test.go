package main

import (
	"os"
	"testing"

	"weblab.example/scripts/golden"
)

// TestMain makes the test binary the program as well: with WEBLAB_STAGE=1 it
// runs main. So what is graded is what was compiled just now, and not answered
// from a cache.
func TestMain(m *testing.M) {
	if os.Getenv("WEBLAB_STAGE") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestStage runs the shared checks on this stage.
func TestStage(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	golden.Report(t, golden.Grade(t.Context(), 3, golden.Program{
		Args: []string{program},
		Env:  []string{"WEBLAB_STAGE=1"},
	}))
}
