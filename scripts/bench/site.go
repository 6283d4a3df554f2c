package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"time"
)

// The files that all contestants serve.
const (
	pageName  = "HelloWorld.html"
	fileName  = "1MB.bin"
	fileSize  = 1_000_000 // bytes; random ones
	largeName = "1GB.bin"
	largeSize = 1_000_000_000 // bytes; zeros, which take no room on the disk
)

// page is the first page of the kit. It is a copy, because students change theirs.
var page = []byte("太棒了，服务器正常工作！")

// writeSite writes the files, and makes them look an hour old: servers may treat a
// file with more care when it has just changed.
func writeSite(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	noise := make([]byte, fileSize)
	rand.Read(noise) // does not fail
	write := func(name string, content []byte, size int64) error {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
		if err := os.Truncate(path, size); err != nil {
			return err
		}
		old := time.Now().Add(-time.Hour)
		return os.Chtimes(path, old, old)
	}
	if err := write(pageName, page, int64(len(page))); err != nil {
		return err
	}
	if err := write(fileName, noise, fileSize); err != nil {
		return err
	}
	return write(largeName, nil, largeSize)
}
