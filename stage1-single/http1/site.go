package http1

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"
	"syscall"

	"weblab.example/stage1-single/strict"
)

// smallFile is the size in bytes up to which a file is read into memory.
const smallFile = 32 << 10

// A Site is the files below one directory, and no other: os.Root opens no path
// that leads out of it, not by "..", and not by a symbolic link.
type Site struct{ root *os.Root }

// OpenSite opens the directory whose files are served.
func OpenSite(dir string) (*Site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open site: %w", err)
	}
	return &Site{root}, nil
}

// Get answers a GET. It finds out what the target names: a directory or a file.
func (s *Site) Get(target string) *Response {
	name, err := s.Name(target)
	if err != nil {
		return statusPage(404, err.Error())
	}
	info, err := s.Stat(name)
	if strings.HasSuffix(name, "/") || err == nil && info.IsDir() {
		path, query := strict.Unambiguous(target)
		return s.directory(name, path, query)
	}
	return s.file(name)
}

// Name is what a target names below the root. With a slash at its end it asks for a
// directory; the root itself is "./".
//
//	/a%20page.html?x=1 → "a page.html"
//	/dir/              → "dir/"
func (s *Site) Name(target string) (string, error) {
	asked, _ := strict.CutTarget(target)
	if strings.Contains(asked, "%") {
		asked = unescape(asked)
	}
	name, err := strict.RemoveDots(asked)
	if err == nil {
		err = strict.Name(name)
	}
	return name, err
}

// Stat looks at a file or directory.
func (s *Site) Stat(name string) (os.FileInfo, error) {
	return s.root.Stat(strings.TrimSuffix(name, "/"))
}

// file answers with a file of the site:
//
//	"HelloWorld.html" → 200, with the bytes of that file
//	"nothing.html"    → 404, the response of noFile
//
// s.open(name) opens it and says what the system knows of it: put that into Info. The
// type is contentType(name). If info.Size() is over smallFile, return largeFile(...),
// which needs the file open; else read it and close it.
//
//lab:todo 1.5 open the file, and make a 200 of its bytes, or a 404
func (s *Site) file(name string) *Response {
	file, info, err := s.open(name)
	if err != nil {
		return noFile(err)
	}
	if info.Size() > smallFile {
		return largeFile(file, info.Size(), contentType(name))
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, info.Size())) // it may grow meanwhile
	if err != nil {
		return noFile(err)
	}
	resp := withBody(200, contentType(name), body)
	resp.Info = info // package fast remembers small files by it
	return resp
}

// open opens a file for reading. Without O_NONBLOCK a named pipe would make it wait.
func (s *Site) open(name string) (file *os.File, info os.FileInfo, err error) {
	file, err = s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err == nil {
		err = strict.File(info)
	}
	if err != nil {
		file.Close()
	}
	return file, info, err
}

// noFile is a 404, or a 403 if a file may not be read, or a 503 if too many are open.
func noFile(err error) *Response {
	status := 404
	switch {
	case errors.Is(err, fs.ErrPermission):
		status = 403
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		status = 503
	}
	return statusPage(status, err.Error())
}

// largeFile makes a 200 of an open file, which stays open until it has been sent:
//
//	size 1000000 → ContentLength 1000000, File and Size for sendFile, no Body
//
//lab:todo 1.6 make a Response of a large file, which is not read here
func largeFile(file *os.File, size int64, contentType string) *Response {
	resp := withBody(200, contentType, nil)
	resp.ContentLength = size
	resp.File, resp.Size = file, size
	return resp
}

// unescape replaces each %XX by the byte that it stands for, once (RFC 3986
// section 2.1). A + stays a +.
//
//	"/a%20page.html" → "/a page.html"
//	"/100%20%"       → "/100%20%": with a bad escape in it, the path stays as it is
//
//lab:todo 1.6 decode the percent-escapes of a path, once
func unescape(escaped string) string {
	decoded, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return decoded
}

// directory answers a request for a directory. Without its final slash it is redirected
// to the path with it, or a link in its page would lead to /page.html, not /dir/page.html.
//
//	name "dir/"                          → the answer with the file "dir/index.html"
//	name "dir", asked "/dir", query "?x" → 301 (statusPage), with Location "/dir/?x"
//
//lab:todo 1.6 answer with the index.html, or with a redirect to the final slash
func (s *Site) directory(name, asked, query string) *Response {
	if strings.HasSuffix(name, "/") {
		return s.file(name + "index.html")
	}
	resp := statusPage(301, "a directory, asked for without its final slash")
	resp.Location = asked + "/" + query
	return resp
}

// contentType says what the bytes of a file are (RFC 9110 section 8.3).
func contentType(name string) string {
	if strings.HasSuffix(name, ".html") {
		return "text/html; charset=utf-8"
	}
	return typeOf(path.Ext(name))
}

// typeOf finds the type of other files in contentTypes, by their extension.
//
//	".PNG" → "image/png", in any letter case
//	".xyz" → "application/octet-stream", as it is not there
//
//lab:todo 1.6 find the type of a file by its extension
func typeOf(extension string) string {
	found := contentTypes[strings.ToLower(extension)]
	if found == "" {
		return "application/octet-stream"
	}
	return found
}

// Text needs its charset as well: without it 太 arrives as å¤ª.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8",
	".css": "text/css; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".svg": "image/svg+xml", ".ico": "image/x-icon",
	".json": "application/json", ".xml": "application/xml", ".pdf": "application/pdf",
	".wasm": "application/wasm", ".woff2": "font/woff2",
	".mp3": "audio/mpeg", ".mp4": "video/mp4", ".webm": "video/webm",
}
