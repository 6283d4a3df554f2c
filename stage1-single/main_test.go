package main

import (
	"testing"

	"weblab.example/scripts/golden"
)

func TestMain(m *testing.M) { golden.Main(m, main) }

// TestStage runs the shared checks of this stage on its program.
func TestStage(t *testing.T) { golden.TestStage(t, 1) }
