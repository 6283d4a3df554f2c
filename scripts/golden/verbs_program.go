package golden

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// What the verbs of a program do, in the order of their table.

func (c *conversation) start(flags string) error {
	if flags == "none" {
		return nil
	}
	s, err := c.serve(strings.Fields(flags)...)
	if err != nil {
		return err
	}
	c.lab, c.ran = s, append(c.ran, s.proc)
	return nil
}

func (c *conversation) memory(string) error {
	now, err := peakMemory(c.proc.cmd.Process.Pid)
	if err == nil && c.peak > 0 && now-c.peak > maxGrowth {
		return verdict.Failf("huge-file-memory", "for a file of 64 MiB the server needed %d MB more", (now-c.peak)>>20)
	}
	c.peak = now
	return err
}

func (c *conversation) stop(how string) error {
	if how == "Ctrl-C" {
		return c.proc.signal(os.Interrupt)
	}
	return c.proc.signal(syscall.SIGTERM)
}

func (c *conversation) refuses(string) error {
	for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
		conn, err := net.DialTimeout("tcp", c.addr, time.Second)
		if err != nil {
			return nil
		}
		conn.Close()
	}
	return verdict.Failf("stops-late", "it was asked to stop, and still took connections after %v", exchange.Patience)
}

func (c *conversation) exit(value string) error {
	want, within, hurried := strings.Cut(value, " within ")
	limit := exchange.Patience
	if hurried {
		limit = duration(within)
	}
	status, err := c.proc.wait(limit)
	switch {
	case err != nil:
		return verdict.Failf("stops-late", "it was asked to stop: %v\n%s", err, c.proc.stderr)
	case want != "any" && want != fmt.Sprint(status):
		return verdict.Failf("stops-late", "it was asked to stop: exit status %d\n%s", status, c.proc.stderr)
	}
	return nil
}

// exits runs the program until it ends by itself.
func (c *conversation) exits(value string) error {
	want, flags, _ := strings.Cut(value, " ")
	proc, err := c.labs.start(strings.Fields(flags)...)
	if err != nil {
		return err
	}
	c.lab, c.ran = &lab{labs: c.labs, proc: proc}, append(c.ran, proc)
	status, err := proc.wait(exchange.Patience)
	if err != nil {
		return verdict.Failf("wrong-use", "with %s: %v\n%s", flags, err, proc.stderr)
	}
	if want != fmt.Sprint(status) {
		return verdict.Failf("wrong-use", "with %s: exit status %d, standard error %.300q", flags, status, proc.stderr)
	}
	return nil
}

func (c *conversation) says(text string) error {
	if said := c.proc.stderr.String(); !strings.Contains(said, text) {
		return verdict.Failf("wrong-use", "there is no %q in its standard error, %.500q", text, said)
	}
	return nil
}

func (c *conversation) run(value string) error {
	name, argument, _ := strings.Cut(value, " ")
	return algorithms[name](c.lab, argument)
}

// logged waits until the log of the program has a text.
func (l *lab) logged(text string) bool {
	for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
		if strings.Contains(l.proc.stderr.String(), text) {
			return true
		}
	}
	return false
}

func (c *conversation) hasLogged(text string) error {
	if c.proc == nil {
		return notHere("the log of this server cannot be seen")
	}
	if !c.logged(text) {
		return verdict.Failf("log", "%.60q was answered, and there is no\n%s\nin\n%s", c.heard.Bytes, text, c.proc.stderr)
	}
	return nil
}

func (c *conversation) logEmpty(string) error {
	if said := c.proc.stderr.String(); said != "" {
		return verdict.Failf("log", "%q", said)
	}
	return nil
}
