package golden

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestClientCases: all cases can be read, and where one is wrong, its line is named.
func TestClientCases(t *testing.T) {
	clientCases() // panics
	for line, says := range map[string]string{
		"prints":      "",
		"exit any":    "",
		"pritns any":  "pritns: no case has this",
		"quiet yes":   "quiet: it has no value",
		"exit well":   "exit: ",
		"within 5":    "within: ",
		"then closed": `then: "closed" is not known`,
		"rule none":   `rule: "none" is not known`,
	} {
		list, err := readCases("3.1", "name: want\n    "+line)
		if err == nil {
			_, err = readClientCase(list[0])
		}
		if says == "" && err != nil || says != "" && !strings.HasPrefix(fmt.Sprint(err), "cases/3.1.txt:2: "+says) {
			t.Errorf("%s: %v, want %q", line, err, says)
		}
	}
}

// busyClient names a file in which a client, the test binary, writes its arguments.
const busyClient = "WEBLAB_BUSY_CLIENT"

func init() {
	if name := os.Getenv(busyClient); name != "" {
		os.Exit(beBusyClient(name, os.Args[1:]))
	}
}

// beBusyClient waits for what the first argument says, and only in its first run. It ends with
// the status that the second one has for this run, the last one for all that follow.
func beBusyClient(name string, args []string) int {
	before, _ := os.ReadFile(name) // in the first run it is not there
	runs := strings.Count(string(before), "\n")
	if wait, err := time.ParseDuration(args[0]); err == nil && runs == 0 {
		time.Sleep(wait)
	}
	if err := os.WriteFile(name, fmt.Appendf(before, "%s\n", args[2]), 0o644); err != nil {
		return 2
	}
	conn, err := net.Dial("tcp", args[3])
	if err != nil {
		return 2
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n") // an error shows in what is read
	io.Copy(os.Stdout, conn)
	return int(args[1][min(runs, len(args[1])-1)] - '0')
}

// TestBusyMachine: a client that was late to start and failed is run again, with a longer
// time-out. One that just failed is not.
func TestBusyMachine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		start    string // how late the first run starts: stands for the wait for a processor
		statuses string // how each run ends
		timeOuts string // what each run is given
	}{
		{"late", "1100ms", "10", "2s\n4s\n"},
		{"wrong", "0s", "1", "2s\n"},
	} {
		said := filepath.Join(t.TempDir(), "said")
		session, err := openSession(t.Context(), Program{Args: []string{os.Args[0], test.start, test.statuses}, Env: []string{busyClient + "=" + said}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer session.close()
		c := clientCase{Check: Check{Step: "3.5"}, args: words{"{timeout}", "{addr}"}, timeout: 2 * time.Second, server: script{answers: []string{"ok"}}, stdout: "ok"}
		err = c.run(&target{session: session})
		got, _ := os.ReadFile(said) // if it is not there, no run was
		if passes := strings.HasSuffix(test.statuses, "0"); passes != (err == nil) || string(got) != test.timeOuts {
			t.Errorf("%s: %v, after time-outs of %q, want %q", test.name, err, got, test.timeOuts)
		}
	}
}
