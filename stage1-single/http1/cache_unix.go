//go:build unix

package http1

import (
	"io/fs"
	"syscall"
)

// unchanged compares all that the system says of a file, when it was read and
// now: also which file it is (the inode), and the time of its last change of
// any kind (ctime), which nobody can set back. The time of the last access is
// compared, too: where a system notes each of them, little is remembered.
func unchanged(then, now fs.FileInfo) bool {
	a, ok := then.Sys().(*syscall.Stat_t)
	b, ok2 := now.Sys().(*syscall.Stat_t)
	return ok && ok2 && *a == *b
}
