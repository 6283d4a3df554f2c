package golden

import (
	"cmp"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

// A Program is how a stage is started. One of the kit gets the flags of a
// check behind its Args, and says itself where it listens.
type Program struct {
	Args []string // the program and its first arguments
	Env  []string // added to the environment, such as "WEBLAB_STAGE=1"

	// Foreign is a program in any language that knows none of the kit's flags.
	// {port} and {root} in its Args are replaced, for a client {host}, {port}
	// and {file}; without Args it is a server that runs already.
	Foreign bool
	Addr    string // host:port where a foreign server listens; "" if {port} says so, or the system tells
	Dir     string // its files: they are copied, and lie beside those of the site

	Confine func(*exec.Cmd) `json:"-"` // if not nil: takes rights from a process that is about to start
	Lang    string          // en or zh: in which language a Result says why; "" is en
	Again   string          // what the command that repeats a check has to say about the program

	Notes *Notes `json:"-"` // if not nil: gets what is to be said beside the results

	poor bool // for a test: the system has nothing of what not every one has
}

// Notes are what is to be said of a program beside its results. They may be read when
// Grade has returned.
type Notes struct {
	mu      sync.Mutex
	Remarks []string // what the checks found, and did about it
	Trouble string   // why there are no results that count: it is no fault of the program's, or may be none
}

// remark notes what was found, and done about it.
func (p Program) remark(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); p.Notes != nil {
		p.Notes.mu.Lock()
		defer p.Notes.mu.Unlock()
		if !slices.Contains(p.Notes.Remarks, text) {
			p.Notes.Remarks = append(p.Notes.Remarks, text)
		}
	}
}

// trouble is an error of the grader's, or of the machine's: nobody loses points by it.
func (p Program) trouble(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if p.Notes != nil {
		p.Notes.mu.Lock()
		defer p.Notes.mu.Unlock()
		p.Notes.Trouble = cmp.Or(p.Notes.Trouble, err.Error())
	}
	return err
}

// find finds a file of the program's own folder, by its name without a directory.
func (p Program) find(file string) (found string) {
	filepath.WalkDir(p.Dir, func(name string, d fs.DirEntry, err error) error { // what cannot be read is not found
		if err == nil && d.Type().IsRegular() && d.Name() == file {
			found = name
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// owns reports whether a file is one of the program's own.
func (p Program) owns(file string) bool { return p.find(file) != "" }
