package http1

import (
	"sync"
	"time"
)

const (
	// maxRemembered bounds the memory for remembered files, in bytes of all of
	// them together.
	maxRemembered = 16 << 20

	// entrySize is about what a remembered file takes beside its body and the
	// target, in bytes.
	entrySize = 1 << 10

	// settled is how long a file must have been as it is to be remembered. File
	// systems have coarse clocks: of two changes within one of their ticks, the
	// second cannot be told by its time.
	settled = 2 * time.Second
)

// A memory has the answers with small files, by the target that asked for them.
type memory struct {
	mu    sync.RWMutex
	files map[string]*remembered
	size  int // of all of them, in bytes
}

// remembered is a small file that was asked for before.
type remembered struct {
	name string // below the root
	resp Response
}

func (f *remembered) size(target string) int { return len(f.resp.Body) + len(target) + entrySize }

// get is ParseTarget and Get for the method GET, with a memory. When the same
// target was answered with a small file, and a look at that file says that it
// has not changed since, the answer is the remembered one, copied to resp: no
// path is taken apart, nothing is opened and nothing read. The look goes through
// s.root, as opening would: what leads out of it is not found.
func (s *Site) get(target []byte, resp *Response) (*Response, error) {
	s.memory.mu.RLock()
	f := s.memory.files[string(target)]
	s.memory.mu.RUnlock()
	if f != nil {
		if info, err := s.root.Stat(f.name); err == nil && unchanged(f.resp.info, info) {
			*resp = f.resp
			return resp, nil
		}
	}
	t, err := ParseTarget([]byte("GET"), target)
	if err != nil {
		return nil, err
	}
	resp = s.Get(t)
	s.memory.add(string(target), t.file(), resp)
	return resp, nil
}

// add remembers an answer if it is one with a small file. What is in the way is
// forgotten, whichever it is: it will be read again when somebody asks for it.
func (m *memory) add(target, name string, resp *Response) {
	if resp.Status != 200 || resp.info == nil || resp.File != nil || time.Since(resp.info.ModTime()) < settled {
		return
	}
	f := &remembered{name, *resp}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(target)
	for old := range m.files {
		if m.size+f.size(target) <= maxRemembered {
			break
		}
		m.forget(old)
	}
	if m.files == nil {
		m.files = map[string]*remembered{}
	}
	m.files[target] = f
	m.size += f.size(target)
}

func (m *memory) forget(target string) {
	if f := m.files[target]; f != nil {
		delete(m.files, target)
		m.size -= f.size(target)
	}
}

// messages has the memory of messages that have been sent, for others.
var messages = sync.Pool{New: func() any { return new([]byte) }}
