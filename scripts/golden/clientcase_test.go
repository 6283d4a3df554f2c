package golden

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
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

// TestBusyMachine: a client that was late to start and failed is run again, with a longer
// time-out. One that just failed is not.
func TestBusyMachine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		start    time.Duration // of the first run: stands for the wait for a processor
		statuses []int         // how each run ends
		timeOuts []string      // what each run is given
	}{
		{"late", 1100 * time.Millisecond, []int{1, 0}, []string{"2s", "4s"}},
		{"wrong", 0, []int{1}, []string{"2s"}},
	} {
		var got []string
		client := func(_ context.Context, args []string, stdout, _ io.Writer) int {
			if got = append(got, args[0]); len(got) == 1 {
				time.Sleep(test.start)
			}
			conn, err := net.Dial("tcp", args[1])
			if err != nil {
				return 2
			}
			defer conn.Close()
			io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n") // an error shows in what is read
			io.Copy(stdout, conn)
			return test.statuses[min(len(got), len(test.statuses))-1]
		}
		labs, err := openLabs(t.Context(), Program{function: client}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer labs.close()
		c := clientCase{Check: Check{Step: "3.5"}, args: words{"{timeout}", "{addr}"}, timeout: 2 * time.Second, server: script{answers: []string{"ok"}}, stdout: "ok"}
		err = c.run(&lab{labs: labs})
		if passes := test.statuses[len(test.statuses)-1] == 0; passes != (err == nil) || !slices.Equal(got, test.timeOuts) {
			t.Errorf("%s: %v, after time-outs of %v, want %v", test.name, err, got, test.timeOuts)
		}
	}
}
