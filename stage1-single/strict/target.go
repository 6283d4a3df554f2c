package strict

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// CutTarget takes a target apart: its path, and its query with the "?".
//
//	/dir/a.html?x=1          → "/dir/a.html", "?x=1"
//	http://localhost:6789/a  → "/a", "" (RFC 9112 section 3.2.2)
func CutTarget(target string) (path, query string) {
	_, target = CutAbsolute(target)
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i:]
	}
	return target, ""
}

// CutAbsolute splits off the authority of a target in absolute form, as a client
// sends it that takes this server for a proxy.
//
//	http://localhost:6789/a  → "localhost:6789", "/a"
//	/a                       → "", "/a"
func CutAbsolute(target string) (authority, rest string) {
	const scheme = "http://"
	if len(target) <= len(scheme) || !strings.EqualFold(target[:len(scheme)], scheme) {
		return "", target
	}
	authority = target[len(scheme):]
	if end := strings.IndexAny(authority, "/?"); end >= 0 {
		return authority[:end], authority[end:]
	}
	return authority, ""
}

// Unambiguous is CutTarget for a Location. No other host can be read in it:
// //host/dir names one (RFC 3986 section 4.2), and browsers take a backslash for
// a slash.
func Unambiguous(target string) (path, query string) {
	path, query = CutTarget(strings.ReplaceAll(target, `\`, "%5C"))
	return "/" + strings.TrimLeft(path, "/"), query
}

// RemoveDots removes the dot segments of a decoded path (RFC 3986 section 5.2.4)
// and returns the name below the root. It ends in a slash if the path asks for a
// directory. An error means that the path leads out of the root.
//
//	/a/../b.html → "b.html"
//	/a//b.html   → "a/b.html"
//	/a/.         → "a/"
//	/            → "./"
func RemoveDots(path string) (name string, err error) {
	var kept []string
	slash := ""
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		slash = "/"
		switch segment {
		case "..":
			if len(kept) == 0 {
				return "", fmt.Errorf("the path %q leads out of the root", path)
			}
			kept = kept[:len(kept)-1]
		case ".":
		case "":
			kept = append(kept, segment) // a dot-dot behind it takes it away
		default:
			kept = append(kept, segment)
			slash = ""
		}
	}
	kept = slices.DeleteFunc(kept, func(segment string) bool { return segment == "" })
	if len(kept) == 0 {
		return "./", nil
	}
	return strings.Join(kept, "/") + slash, nil
}

// Target refuses a target that this method cannot have (RFC 9112 section 3.2). The
// authority is that of an absolute form, or "". isAuthority must take it.
//
//	/path              for every method
//	http://host/path   for every method; the host counts instead of Host
//	host:port          for CONNECT alone; the port is not empty
//	*                  for OPTIONS alone
//
// Everything else is a 400, and so is a target with a # or an octet above 0x7f: a client
// must not send the first, and must escape the second.
//
//lab:todo S.4 refuse a target that this method cannot have
func Target(method, target, authority string) error {
	good := method == "OPTIONS" && target == "*"
	switch {
	case strings.HasPrefix(target, "/"):
		good = true
	case authority != "":
		good = isAuthority(authority)
	case method == "CONNECT":
		_, port, err := net.SplitHostPort(target)
		good = err == nil && port != "" && isAuthority(target)
	}
	if !good || strings.ContainsFunc(target, func(r rune) bool { return r == '#' || r > 0x7f }) {
		return badRequest("%s cannot have the target %q", method, target)
	}
	return nil
}

// Escapes refuses escapes that no name of a file has. Each is a 400: a % without two
// hexadecimal digits, %2F, %00, and a path that is not UTF-8 when it is decoded.
//
//lab:todo S.4 refuse bad escapes in the path
func Escapes(path string) error {
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) || strings.Contains(decoded, "\x00") ||
		strings.Count(decoded, "/") > strings.Count(path, "/") {
		return badRequest("an escape in the path %q is not good", path)
	}
	return nil
}

// Name refuses a name that no client should see, with any error: it makes a 404. A
// segment of it begins with a dot (but a "./" at the beginning is the root), or has a
// backslash, which Windows takes for a slash. On Windows CON and C: are not names of
// files either: filepath.IsLocal knows that.
//
//lab:todo S.4 refuse hidden names, and names that no file has
func Name(name string) error {
	for segment := range strings.SplitSeq(strings.TrimPrefix(name, "./"), "/") {
		if strings.HasPrefix(segment, ".") || strings.Contains(segment, `\`) {
			return fmt.Errorf("%q is not shown: it has a name with a dot first, or with a backslash", name)
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%q is not the name of a file", name)
	}
	return nil
}

// File refuses what is not a regular file, such as a named pipe.
//
//lab:todo S.4 refuse what is not a regular file
func File(info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file, but %v", info.Name(), info.Mode())
	}
	return nil
}
