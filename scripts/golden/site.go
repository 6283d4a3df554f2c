package golden

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// The files are embedded: a test is run again when one of them changes, and
// a grader needs no path to them.
//
//go:embed all:site
var siteFiles embed.FS

//go:embed cases
var caseFiles embed.FS

// A site is a temporary copy of site/, with what git cannot keep.
type site struct {
	above   string           // the temporary directory, with secret.txt in it
	dir     string           // the root that is served
	missing map[string]error // what there is not, of what a check may need, and why
}

// unreadable is what nobody may read: root and Windows may all the same.
const unreadable = "not for you\n"

// hugeSize is the size in bytes of huge.bin: more than the buffers of both
// ends of a connection hold, so that a server cannot be done with it before
// the client reads.
const hugeSize = 64 << 20

// LayOut writes the files that the golden cases ask for to a temporary
// directory; remove deletes it.
func LayOut() (dir string, remove func(), err error) {
	s, err := layOut(Program{})
	if err != nil {
		return "", nil, err
	}
	return s.dir, s.remove, nil
}

// layOut writes the site to a temporary directory, and adds what git cannot
// keep: links out of the root, a named pipe, a file that nobody may read, and
// a huge file. What this system refuses to make is noted in missing.
func layOut(program Program) (*site, error) {
	above, err := os.MkdirTemp("", "weblab-site-")
	if err != nil {
		return nil, err
	}
	s := &site{above: above, dir: filepath.Join(above, "root"), missing: map[string]error{}}
	if program.Foreign && len(program.Args) == 0 {
		// The site of a server that runs already is where it is.
		cannot := errors.New("the files of a server that runs already cannot be changed")
		for _, what := range append(systems, "own") {
			s.missing[what] = cannot
		}
		return s, nil
	}
	if program.Dir != "" {
		if _, err := kit.CopyFiles(s.dir, program.Dir, func(string) bool { return true }); err != nil {
			s.remove()
			return nil, err
		}
	}
	if err := s.write(); err != nil {
		s.remove()
		return nil, err
	}
	if program.poor {
		for _, what := range systems {
			s.missing[what] = errors.New("a test wants it so")
		}
	}
	return s, nil
}

// systems are what a check may need of a system that not every one has.
var systems = []string{"link", "backslash", "fifo", "forbidden", "memory", "/dev/full"}

func (s *site) write() error {
	files, err := fs.Sub(siteFiles, "site")
	if err != nil {
		return err
	}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(s.dir, filepath.FromSlash(name))
		// A submission's own file may be where one of the site's belongs.
		if info, err := os.Lstat(to); err == nil && (!info.IsDir() || !d.IsDir()) {
			if err := os.RemoveAll(to); err != nil {
				return err
			}
		}
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := fs.ReadFile(files, name)
		return errors.Join(err, os.WriteFile(to, data, 0o644))
	})
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(s.dir, name) }
	if err := os.WriteFile(filepath.Join(s.above, "secret.txt"), []byte(verdict.Secret+"\n"), 0o644); err != nil {
		return err
	}
	huge, err := os.Create(in("huge.bin"))
	if err != nil {
		return err
	}
	if err := errors.Join(huge.Truncate(hugeSize), huge.Close()); err != nil {
		return err
	}
	s.missing["link"] = errors.Join(
		os.Symlink(filepath.Join("..", "secret.txt"), in("link-out.txt")),
		os.Symlink(s.above, in("link-dir")),
		os.Symlink("HelloWorld.html", in("link-in.html")))
	s.missing["backslash"] = os.WriteFile(in(`back\slash.txt`), []byte("a backslash in the name\n"), 0o644)
	s.missing["fifo"] = makeFIFO(in("fifo"))
	s.missing["forbidden"] = os.WriteFile(in("forbidden.txt"), []byte(unreadable), 0o000)
	_, s.missing["memory"] = launch.PeakMemory(os.Getpid())
	_, s.missing["/dev/full"] = os.Stat("/dev/full")
	return nil
}

// need returns why a check cannot be run, if what it needs is missing.
func (s *site) need(what string) error {
	if err := s.missing[what]; err != nil {
		return notHere(err.Error())
	}
	return nil
}

func (s *site) remove() { os.RemoveAll(s.above) }

// intact checks that git left the line ends of the byte-exact files alone:
// core.autocrlf changes them where .gitattributes was lost.
func intact() error {
	for _, f := range []struct {
		fs       embed.FS
		name     string
		has, not string
	}{
		{caseFiles, "cases/hello.request", "HTTP/1.1\r\n", "\r\r"},
		{caseFiles, "cases/lf-only.request", "HTTP/1.1\n", "\r"},
		{siteFiles, "site/index.html", "html>\n", "\r"},
		{siteFiles, "site/all-bytes.bin", "\x09\x0a\x0b\x0c\x0d\x0e", "\x0d\x0a\x0b"},
	} {
		data, err := f.fs.ReadFile(f.name)
		if err != nil {
			return err
		}
		if !bytes.Contains(data, []byte(f.has)) || bytes.Contains(data, []byte(f.not)) {
			return errors.New("the line ends of scripts/golden/" + f.name + " are not what they were, probably git's core.autocrlf: " +
				"the checks compare bytes and cannot work. Delete the folders scripts/golden/cases and scripts/golden/site, then run " +
				"git checkout -- .gitattributes scripts/golden")
		}
	}
	return nil
}
