package golden

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
)

var (
	logLine    = regexp.MustCompile(`(?m)^time=\S+ level=[A-Z]+ msg=(.* conn=(\d+).*)$`)
	logTrouble = regexp.MustCompile(` (?:refused|error)=| why="(?:a|no|the) `) // not what the system says when the check leaves, as EOF
)

// lastInLog finds the last connection in a server's log, and what the log says of it.
func lastInLog(text string) (conn, said string) {
	events := logLine.FindAllStringSubmatch(text, -1)
	if len(events) == 0 {
		return "", ""
	}
	for _, e := range events { // the end of an earlier one may be logged later
		if n := e[2]; len(n) > len(conn) || len(n) == len(conn) && n > conn {
			conn = n
		}
	}
	for _, e := range events {
		if e[2] == conn && !strings.HasPrefix(e[1], "accepted ") {
			said += fmt.Sprintf("%.300s\n", e[1])
		}
	}
	return conn, said
}

// logSince is what the log says of its last connection, if something went wrong there
// and it is another one than before. The log may be a little late.
func (t *target) logSince(before string) string {
	for deadline := time.Now().Add(exchange.AMoment); ; time.Sleep(exchange.Pause) {
		conn, said := lastInLog(t.proc.stderr.String())
		switch {
		case conn == before:
			return ""
		case !strings.Contains(said, "closed ") && time.Now().Before(deadline):
			continue
		case !logTrouble.MatchString(said), strings.Contains(said, "own code ended it"): // a panic, or a gap, is told elsewhere
			return ""
		}
		return said
	}
}
