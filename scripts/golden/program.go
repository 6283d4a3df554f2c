package golden

import (
	"context"
	"io"
	"os/exec"
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
	Addr    string // host:port where a foreign server listens, if no {port} says so
	Dir     string // its files: they are copied, and lie beside those of the site

	Confine func(*exec.Cmd) `json:"-"` // if not nil: takes rights from a process that is about to start
	Again   string          // what the command that repeats a check has to say about the program

	// For tests: a server is started, or a client is a function, in the test's own
	// process. The function returns the exit status.
	serve    func(ls *labs, flags []string) (*lab, error)
	noSite   bool // that server has its files elsewhere
	function clientFunction
	poor     bool // the system has nothing of what not every one has
}

// A clientFunction is a client in the test's own process.
type clientFunction func(ctx context.Context, args []string, stdout, stderr io.Writer) (status int)
