package http1

import (
	"strings"
	"sync"
	"time"
)

const (
	// maxRemembered bounds the memory for remembered files, in bytes of all of
	// them together, and entrySize is about what one takes beside its body, its
	// name and its target.
	maxRemembered = 16 << 20
	entrySize     = 1 << 10

	// settled is how long a file must have looked the same before it is
	// remembered, and settledCoarse is that where times come in whole seconds.
	// File systems have coarse clocks: of two changes within one tick of theirs,
	// the second is not seen in the file's times. (Nor is a change through memory
	// that was mapped to the file before, mmap: the file's times need not follow it.)
	settled       = 100 * time.Millisecond
	settledCoarse = 2100 * time.Millisecond
)

// A memory has the answers with small files, by the target that asked for them.
type memory struct {
	mu    sync.RWMutex
	files map[string]*remembered
	size  int // of all of them, in bytes
}

// remembered is a small file that was asked for before. Until it has settled,
// its response has no body.
type remembered struct {
	name    string // below the root
	resp    Response
	since   time.Time // it has looked the same since this moment, at which it had been read
	settled bool
}

// get is ParseTarget and Get for the method GET, with a memory. When the same
// target was answered with a small file before, and a look at that file says
// that it has not changed since, the answer is the remembered one, copied to
// resp: no path is taken apart, nothing is opened and nothing read. The look
// goes through s.root, as opening does: what leads out of it is not found. (For a
// file in a folder os.Root opens the folder to look.)
func (s *Site) get(target []byte, resp *Response) (*Response, error) {
	s.memory.mu.RLock()
	f := s.memory.files[string(target)]
	s.memory.mu.RUnlock()
	if f != nil && f.settled {
		if info, err := s.root.Stat(f.name); err == nil && unchanged(f.resp.info, info) {
			*resp = f.resp
			return resp, nil
		}
	}
	t, err := ParseTarget([]byte("GET"), target)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	resp = s.Get(t)
	if resp.Status == 200 && resp.File == nil && resp.info != nil {
		s.memory.add(string(target), asked, remembered{name: strings.Clone(t.file()), resp: *resp, since: time.Now()})
	}
	return resp, nil
}

// add remembers a file, as soon as it has settled: when it was asked for again,
// it had looked the same for long enough. What is in the way is forgotten,
// whichever it is: it is read again when somebody asks for it.
func (m *memory) add(target string, asked time.Time, f remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := settled
	if f.resp.info.ModTime().Nanosecond() == 0 {
		wait = settledCoarse
	}
	if old := m.files[target]; old != nil && unchanged(old.resp.info, f.resp.info) {
		f.settled = asked.Sub(old.since) >= wait
		f.since = old.since
	}
	if !f.settled {
		f.resp.Body = nil
	}
	m.forget(target)
	for other := range m.files {
		if m.size+f.size(target) <= maxRemembered {
			break
		}
		m.forget(other)
	}
	if m.files == nil {
		m.files = map[string]*remembered{}
	}
	m.files[target] = &f
	m.size += f.size(target)
}

func (m *memory) forget(target string) {
	if f := m.files[target]; f != nil {
		delete(m.files, target)
		m.size -= f.size(target)
	}
}

func (f *remembered) size(target string) int {
	return len(f.resp.Body) + len(f.name) + len(target) + entrySize
}

// messages has the memory of messages that were sent, for the next ones.
var messages = sync.Pool{New: func() any { return new([]byte) }}
