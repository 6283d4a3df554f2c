//go:build kit && !linux

package notes

import "testing"

// TestCommands runs on Linux only: the pages' commands for sh need tools that
// are not everywhere, and /proc tells who listens.
func TestCommands(t *testing.T) { t.Skip("the commands of the pages are run on Linux only") }
