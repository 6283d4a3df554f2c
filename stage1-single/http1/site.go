package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// smallFile is the size in bytes up to which a file is read whole, to leave
// in one write with the head. A larger one is never held in memory.
const smallFile = 32 << 10

// contentTypes says what the octets of a file are, by its extension (RFC 9110
// section 8.3). Text needs its charset as well: without it 太 arrives as å¤ª.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".txt":  "text/plain; charset=utf-8",
	".md":   "text/markdown; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".jpg":  "image/jpeg",
	".jpeg": "image/jpeg",
	".gif":  "image/gif",
	".webp": "image/webp",
	".ico":  "image/x-icon",
	".pdf":  "application/pdf",
	".wasm": "application/wasm",
	".xml":  "application/xml",
}

// A Site is the files below one directory, and no other: os.Root opens no
// path that leads out of it, not by "..", and not by a symbolic link.
type Site struct {
	root   *os.Root
	memory memory
}

// OpenSite opens the directory whose files are served.
func OpenSite(dir string) (*Site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open site: %w", err)
	}
	return &Site{root: root}, nil
}

// A Target is a request-target taken apart (RFC 9112 section 3.2).
type Target struct {
	Path  []byte // as it came, from the first "/" on
	Query []byte // as it came, with its "?"
	Name  string // the path decoded: where the file is below the root; "" when it is not below it
	Dir   bool   // the path ends in "/", so it asks for a directory
}

// file is the file that answers a GET, below the root: a directory has its
// index.html for it.
func (t Target) file() string {
	if t.Dir {
		return t.Name + "/index.html"
	}
	return t.Name
}

// ParseTarget takes a request's target apart. The error is a *StatusError.
func ParseTarget(method, target []byte) (t Target, err error) {
	for _, b := range target {
		if b == '#' || b > 0x7f {
			return t, badRequest("octet %#02x in the target %q", b, target)
		}
	}
	target, err = originForm(method, target)
	if err != nil || target == nil {
		return t, err
	}
	t.Path = target
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		t.Path, t.Query = target[:i], target[i:]
	}
	if len(t.Path) == 0 {
		t.Path = []byte("/")
	}
	decoded, err := decodePath(t.Path)
	if err == nil {
		t.Name, t.Dir = cleanPath(decoded)
	}
	return t, err
}

// originForm finds the path and the query in a target, whichever of its four
// forms it has (RFC 9112 section 3.2). It is nil for those that name no file:
//
//	request-target = origin-form / absolute-form / authority-form / asterisk-form
func originForm(method, target []byte) ([]byte, error) {
	const scheme = "http://"
	switch {
	case target[0] == '/':
		return target, nil
	case len(target) > len(scheme) && strings.EqualFold(string(target[:len(scheme)]), scheme):
		// A request to a proxy. The authority counts instead of Host; as this
		// server has one site, it only has to be valid.
		rest := target[len(scheme):]
		end := bytes.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if !validAuthority(rest[:end]) {
			return nil, badRequest("the authority of %q is not valid", target)
		}
		return rest[end:], nil
	case string(method) == "CONNECT": // about a tunnel
		if _, port, err := net.SplitHostPort(string(target)); err != nil || port == "" || !validAuthority(target) {
			return nil, badRequest("the target of CONNECT is %q, not host:port", target)
		}
		return nil, nil
	case string(target) == "*" && string(method) == "OPTIONS": // about the server
		return nil, nil
	}
	return nil, badRequest("the target %q is neither a path nor an http:// URI", target)
}

// decodePath replaces each %XX by the octet that it stands for, once (RFC 3986
// section 2.1); everything else stays, + too. Refused, as a badRequest, are a %
// that no two hexadecimal digits follow, %2F and %00, because no file has a
// slash or a NUL in its name, and what is not UTF-8 when it is decoded.
//
//lab:todo 1.6 decode the percent-escapes of a path, once
func decodePath(p []byte) (string, error) {
	decoded, err := url.PathUnescape(string(p))
	switch {
	case err != nil:
		return "", badRequest("a bad percent-escape in the path %q", p)
	case strings.Count(decoded, "/") > bytes.Count(p, []byte("/")) || strings.Contains(decoded, "\x00"):
		return "", badRequest("an escaped slash or NUL in the path %q", p)
	case !utf8.ValidString(decoded):
		return "", badRequest("the path %q is not UTF-8 when decoded", p)
	}
	return decoded, nil
}

// cleanPath removes the dot segments of a decoded path (RFC 3986 section
// 5.2.4), after decoding, so that %2e%2e is seen for what it is. A dot-dot takes
// the segment before it away, an empty one too: a//.. is a/. Empty segments
// that are left over then do not matter: a//b is a/b.
//
// The name is relative to the root, without a slash at either end, and "." for
// the root itself. It is "" when the path leads out, if only for a moment
// (../root/a), or names what no client should see: a segment that begins with
// a dot, or one with a backslash, which Windows takes for a slash. Such a
// segment that a dot-dot takes away does no harm.
//
// dir says that a directory is asked for: the path ends in a slash, or in a dot
// segment.
//
//lab:todo 1.6 remove the dot segments, and let nothing lead out of the root
func cleanPath(p string) (name string, dir bool) {
	var kept []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(p, "/"), "/") {
		switch segment {
		case ".":
		case "..":
			if len(kept) == 0 {
				return "", false
			}
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, segment)
		}
		dir = segment == "" || segment == "." || segment == ".."
	}
	kept = slices.DeleteFunc(kept, func(segment string) bool { return segment == "" })
	for _, segment := range kept {
		if segment[0] == '.' || strings.Contains(segment, `\`) {
			return "", false
		}
	}
	if len(kept) == 0 {
		return ".", true
	}
	return strings.Join(kept, "/"), dir
}

// Get answers a GET: with the file, with a redirect when a directory is asked
// for without its final slash, or with the status that says why not.
//
// A target without a Name is a 404, and so is a name that filepath.IsLocal does
// not take for a file below the root: on Windows, CON and C: are none. With Dir
// the file is the directory's index.html (t.file says so). Look (Stat) before opening: to open
// a FIFO would wait for somebody to write to it. If one takes the file's place in
// between, s.open does not wait, and fileResponse refuses it. What is neither a
// directory nor a regular file is a 404; what an error means, statusOf says. Files
// are looked at through s.root only, which finds nothing outside, and opened with
// s.open.
//
//lab:todo 1.6 answer with the file that the target names, a redirect or a status
func (s *Site) Get(t Target) *Response {
	if t.Name == "" || !filepath.IsLocal(filepath.FromSlash(t.Name)) {
		return statusPage(404)
	}
	name := t.file()
	info, err := s.root.Stat(name)
	switch {
	case err != nil:
		return statusPage(statusOf(err))
	case info.IsDir() && !t.Dir:
		return redirect(t)
	case !info.Mode().IsRegular():
		return statusPage(404)
	}
	file, err := s.open(name)
	if err != nil {
		return statusPage(statusOf(err))
	}
	resp, err := fileResponse(file)
	if err != nil {
		return statusPage(statusOf(err))
	}
	return resp
}

// open opens a file below the root for reading, and nothing outside. It never
// waits: without O_NONBLOCK it would, for somebody to write, if a FIFO has that name.
func (s *Site) open(name string) (*os.File, error) {
	return s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// statusOf says what an error of opening means to the client. When this program
// has as many files open as it may, or the system has, the file may well be there:
// that is a 503, and the client can come again. os.Root has errors of its own,
// which say that a path leads out: these are a 404 as well.
func statusOf(err error) int {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return 403
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return 503
	}
	return 404
}

// redirect answers a request for a directory without its final slash: from
// /dir, the page's own relative links would lead to /, not to /dir/. Location is
// the path as it came, written so that it cannot name another host. With two
// slashes in front it would: //host/dir (RFC 3986 section 4.2). Browsers read a
// backslash like a slash, and no URI may have one: it is sent escaped.
func redirect(t Target) *Response {
	resp := statusPage(301)
	location := "/" + strings.TrimLeft(string(t.Path), "/") + "/" + string(t.Query)
	resp.Location = strings.ReplaceAll(location, `\`, "%5C")
	return resp
}

// fileResponse makes a response of an open file and takes it over: one of up to
// smallFile bytes is read and closed, a larger one stays open as the response's
// File until it is sent. The status is 200; the type is that of the name's
// extension in contentTypes, in any letter case, and application/octet-stream
// for those that are not there. Ask the open file for its size, not its name:
// a file may be replaced in between; and ask before it is read. One that is not
// regular is fs.ErrInvalid. What it says goes along as the response's info. On an
// error the file is closed; that it was only read from makes an error of closing
// nobody's loss.
//
//lab:todo 1.6 make a 200 of an open file: its body, its length, its type
func fileResponse(file *os.File) (*Response, error) {
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	var resp *Response
	if info.Size() <= smallFile {
		body, err := io.ReadAll(io.LimitReader(file, smallFile))
		file.Close()
		if err != nil {
			return nil, err
		}
		resp = withBody(body)
	} else {
		resp = &Response{Connection: "close", File: file, Size: info.Size(), ContentLength: info.Size()}
	}
	resp.Status = 200
	resp.info = info
	resp.ContentType = contentTypes[strings.ToLower(path.Ext(info.Name()))]
	if resp.ContentType == "" {
		resp.ContentType = "application/octet-stream"
	}
	return resp, nil
}
