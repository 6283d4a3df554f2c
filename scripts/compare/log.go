package main

import (
	"bytes"
	"encoding/json"
	"time"
)

// An event is a line of a server's log with -log json.
type event struct {
	Time   time.Time
	Msg    string // accepted, request, answered, closed
	Remote string // of accepted: the tap
	Error  string // of a panic, for example "step 1.3 is not written yet"

	line json.RawMessage
}

// MarshalJSON passes on the line as it came.
func (e event) MarshalJSON() ([]byte, error) { return e.line, nil }

// log returns the events of a stage that have come, and all other lines, for example "step
// 1.1 is not written yet". A program has no log: all that it says are other lines.
func (t *trial) log() (events []event, said string) {
	for line := range bytes.Lines([]byte(t.stderr.String())) {
		e := event{line: bytes.TrimSpace(line)}
		if t.Program == 0 && json.Unmarshal(line, &e) == nil && e.Msg != "" {
			events = append(events, e)
		} else {
			said += string(line)
		}
	}
	return events, said
}
