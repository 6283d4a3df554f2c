package kit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// CopyFiles copies the regular files below a directory that keep wants, by
// their slash-separated names, and returns the names of those that it left out
// because they are too large, cannot be read, or are no files and no directories.
func CopyFiles(to, from string, keep func(name string) bool) (left []string, err error) {
	const each, all = 16 << 20, 64 << 20 // bytes
	var sum int64
	err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		slashed := filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir // such as .git
			}
			return nil
		}
		if !keep(slashed) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > each || sum+info.Size() > all {
			left = append(left, slashed)
			return nil
		}
		sum += info.Size()
		if err = copyFile(filepath.Join(to, rel), name, info); errors.Is(err, fs.ErrPermission) {
			left, err = append(left, slashed), nil
		}
		return err
	})
	return left, err
}

func copyFile(to, from string, info fs.FileInfo) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644|info.Mode()&0o111)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, info.Size()))
	return errors.Join(err, out.Close())
}
