//go:build !unix

package http1

import (
	"io/fs"
	"os"
)

// unchanged compares what the system says of a file, when it was read and now.
// A change that leaves the size and sets back the time is not seen here.
func unchanged(then, now fs.FileInfo) bool {
	return os.SameFile(then, now) && then.Size() == now.Size() && then.Mode() == now.Mode() && then.ModTime().Equal(now.ModTime())
}
