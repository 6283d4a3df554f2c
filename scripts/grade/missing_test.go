//go:build kit

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSaysWhatIsMissing grades where the system gives no namespaces. What
// cannot be stopped then is said, and where to read on.
func TestSaysWhatIsMissing(t *testing.T) {
	if _, err := exec.LookPath("unshare"); err != nil || !canConfine(t) {
		t.Skip("namespaces cannot be had and then be forbidden here: ", err)
	}
	program := filepath.Join(openDir(t), "grade.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const forbid = `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"` // in the new namespace only
	cmd := exec.Command("unshare", "-Ur", "sh", "-c", forbid, program, "-stages", "1", "-only", "hello", t.TempDir())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.Run() // its status is that of an empty submission
	said := strings.Join(strings.Fields(stderr.String()), " ")
	for _, want := range []string{"started without these protections", "what they leave running goes on, they see other processes, and can change files outside", "one for each submission: see lab-notes/instructors.md"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, stderr.String())
		}
	}
}
