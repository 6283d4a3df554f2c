//go:build kit

package hostile

import "errors"

// mkfifo fails: Windows has no such files.
func mkfifo(string) error { return errors.ErrUnsupported }
