package language

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ReadRun reads the command in the first line of a folder's file run; nil if there is none.
func ReadRun(dir string) ([]string, error) {
	const most = 4 << 10 // bytes
	name := filepath.Join(dir, "run")
	info, err := os.Lstat(name)
	if err != nil || info.IsDir() {
		return nil, nil // a folder of that name means nothing
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, errors.New("its file run is no regular file of at most 4 kB: its first line is the command that starts the server")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most))
	line, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "\ufeff"))
	if err == nil && (len(words) == 0 || strings.HasPrefix(words[0], "#") || strings.ContainsAny(line, "\"'")) {
		err = fmt.Errorf("the first line of its file run is no command, as python3 WebServer.py {port} without quotes, but %.60q", line)
	}
	return words, err
}

var aTest = regexp.MustCompile(`(?i)^tests?[_.-]|[_.-]tests?\.|Tests?\.java$`)

// WithMain fills in {main}, the only file in a folder that listens on a port, in a command.
// So it does where the command names no file, or one that is not there, which remark says.
func WithMain(words []string, files string) (with []string, remark string, err error) {
	if len(words) == 0 {
		return words, "", nil
	}
	speaks, known := Of(words[0])
	if known && len(words) == 1 {
		words = append(words, "{main}", "{port}")
	}
	at, gone := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "{main}") }), ""
	switch {
	case !known && at >= 0:
		return nil, "", fmt.Errorf("{main} is for the commands python3, node, java, go and tcc, not for %s: name the file", words[0])
	case !known:
		return words, "", nil
	case at < 0:
		if at = slices.Index(words, Missing(words, files)); at < 0 {
			return words, "", nil
		}
		gone = "there is no " + words[at] + " in it, and "
	}
	switch found := mainFiles(files, speaks); {
	case len(found) == 0:
		return nil, "", fmt.Errorf("%sno %s file of it listens on a port, as far as that can be seen: name the file in the command, or in a file run in its folder", gone, speaks.Ending)
	case len(found) > 1:
		return nil, "", fmt.Errorf("%sthese listen on a port: %s. Say which is the server, in a file run in its folder: %s %s {port}", gone, strings.Join(found, ", "), words[0], found[0])
	default:
		if gone != "" {
			remark = fmt.Sprintf("%s is not there: %s was started, the only one that listens", words[at], found[0])
			words[at] = "{main}"
		}
		words[at] = strings.ReplaceAll(words[at], "{main}", found[0])
		return words, remark, nil
	}
}

// Missing is the file that a command starts, if it is not there, or "".
func Missing(words []string, files string) string {
	speaks, known := Of(words[0])
	at := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, speaks.Ending) })
	if !known || at < 0 {
		return ""
	}
	if _, err := os.Lstat(filepath.Join(files, words[at])); filepath.IsAbs(words[at]) || !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return words[at]
}

// mainFiles are the files in a language that listen on a port, without tests.
func mainFiles(files string, in Language) (found []string) {
	const most = 1 << 20                                                        // bytes of a file that somebody has written
	const enough = 5                                                            // to say that there are several
	filepath.WalkDir(files, func(name string, d fs.DirEntry, err error) error { // what cannot be read is not found
		switch {
		case err != nil || d.Name() == "__MACOSX" || d.Name() == "node_modules":
			return fs.SkipDir
		case !d.Type().IsRegular() || filepath.Ext(name) != in.Ending || aTest.MatchString(d.Name()):
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > most {
			return nil
		}
		if text, err := os.ReadFile(name); err == nil && in.Listens.Match(text) {
			rel, _ := filepath.Rel(files, name) // it is below
			if found = append(found, filepath.ToSlash(rel)); len(found) == enough {
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}
