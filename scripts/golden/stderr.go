package golden

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"weblab.example/scripts/internal/launch"
)

// A tail is the standard error of a program. It keeps the last bytes, and looks for
// three things in all of it: the first report of the race detector, the last panic, and
// steps that are not written.
type tail struct {
	launch.Tail
	gaps *gaps // may be nil

	mu    sync.Mutex
	race  []byte
	panic *[2]string // its text, and where it was
	line  []byte     // not ended yet
	total int        // bytes that came
	read  int        // of those, up to the last call of since
}

// longest is how much of a line, or of a report, is looked at, in bytes.
const longest = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := bytes.Index(p, []byte("WARNING: DATA RACE")); at >= 0 && t.race == nil {
		t.race = bytes.Clone(p[at:min(len(p), at+longest)])
	}
	if t.gaps != nil {
		t.lines(p)
	}
	t.total += len(p)
	return t.Tail.Write(p)
}

// lines looks at each line that has ended.
func (t *tail) lines(p []byte) {
	t.line = append(t.line, p...)
	end := bytes.LastIndexByte(t.line, '\n') + 1
	for line := range strings.Lines(string(t.line[:end])) {
		t.gaps.find(line)
		if p := panicIn(line); p != nil {
			t.panic = p
		}
	}
	t.line = append(t.line[:0], t.line[end:]...)
	t.line = t.line[:min(len(t.line), longest)]
}

// since returns what came after the last call, as far as it is kept.
func (t *tail) since() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.Tail.String()
	from := max(0, len(all)-(t.total-t.read))
	t.read = t.total
	return all[from:]
}

// raced returns the report of the race detector, once.
func (t *tail) raced() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	report := string(t.race)
	t.race = nil
	return report
}

// panicked returns what the last panic said, and where it was, once.
func (t *tail) panicked() (text, where string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.panic != nil {
		text, where = t.panic[0], t.panic[1]
		t.panic = nil
	}
	return text, where
}

var (
	panicLine  = regexp.MustCompile(`(?:msg=|"msg":")panic"?.*?error"?[=:]"((?:[^"\\]|\\.)*)"`)
	panicWhere = regexp.MustCompile(`panic\(.*?[/\\]([A-Za-z0-9_-]+[/\\][A-Za-z0-9_]+\.go:\d+)`)
)

// panicIn finds a panic with its stack in a line of a server's log.
func panicIn(line string) *[2]string {
	m := panicLine.FindStringSubmatch(line)
	if m == nil || !strings.Contains(line, "stack") {
		return nil
	}
	where := "its log"
	if at := panicWhere.FindStringSubmatch(ownFrames(line)); at != nil {
		where = at[1]
	}
	return &[2]string{m[1], where}
}

// ownFrames is a stack without the frames of Go's runtime.
func ownFrames(line string) string {
	if i := strings.LastIndex(line, "/runtime/panic.go"); i >= 0 {
		return "panic(" + line[i+len("/runtime/panic.go"):]
	}
	return line
}
