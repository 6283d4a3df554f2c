package golden

import "os/exec"

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
	Lang    string          // en or zh: in which language a Result says why; "" is en
	Again   string          // what the command that repeats a check has to say about the program

	poor bool // for a test: the system has nothing of what not every one has
}
