// Package fast makes the servers faster; no answer depends on it. Files are remembered
// (memory.go), and the system is asked a little less (system.go). Without it the servers
// send the same bytes.
// lab-notes/performance.md has what each of them is worth.
package fast

import (
	"strings"
	"sync"
	"time"

	"weblab.example/stage1-single/http1"
)

const (
	// maxRemembered bounds the memory for remembered files, in bytes of all of
	// them together, and entrySize is about what one takes beside its body, its
	// name and its target.
	maxRemembered = 16 << 20
	entrySize     = 1 << 10

	// settled is how long a file must have looked the same before it is
	// remembered, and settledCoarse is that where times come in whole seconds.
	// File systems have coarse clocks: if a file changes twice within one tick, its
	// times do not show the second change. (Nor is a change through memory
	// that was mapped to the file before, mmap: the file's times need not follow it.)
	settled       = 100 * time.Millisecond
	settledCoarse = 2100 * time.Millisecond
)

// A memory is a site that remembers the answers with small files, by the target that
// asked for them.
type memory struct {
	site  *http1.Site
	mu    sync.RWMutex
	files map[string]*remembered
	size  int // of all of them, in bytes
}

// remembered is a small file that was asked for before. Until it has settled,
// its response has no body.
type remembered struct {
	name    string // below the root
	resp    http1.Response
	since   time.Time // it has looked the same since this moment, at which it had been read
	settled bool
}

// Remember puts a memory in front of a site.
func Remember(site *http1.Site) http1.Getter {
	return &memory{site: site, files: map[string]*remembered{}}
}

// Get answers a GET. When the same target was answered with a small file before, and
// a look at that file says that it has not changed since, the answer is the remembered
// one: nothing is opened and nothing read. The look goes through os.Root, as opening
// does. (For a file in a folder os.Root opens the folder to look.)
func (m *memory) Get(target string) *http1.Response {
	m.mu.RLock()
	f := m.files[target]
	m.mu.RUnlock()
	if f != nil && f.settled {
		if info, err := m.site.Stat(f.name); err == nil && unchanged(f.resp.Info, info) {
			resp := f.resp
			return &resp
		}
	}
	asked := time.Now()
	resp := m.site.Get(target)
	if resp.Status == 200 && resp.Info != nil {
		name, _ := m.site.Name(target) // it was good enough for a 200
		if strings.HasSuffix(name, "/") {
			name += "index.html"
		}
		m.add(target, asked, remembered{name: strings.Clone(name), resp: *resp, since: time.Now()})
	}
	return resp
}

// add remembers a file as soon as it has settled: when it was asked for again, it had
// looked the same for long enough. If there is no room, other files are forgotten, in
// no order: they are read again when somebody asks for them.
func (m *memory) add(target string, asked time.Time, f remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := settled
	if f.resp.Info.ModTime().Nanosecond() == 0 {
		wait = settledCoarse
	}
	if old := m.files[target]; old != nil && unchanged(old.resp.Info, f.resp.Info) {
		f.settled = asked.Sub(old.since) >= wait
		f.since = old.since
	}
	if !f.settled {
		f.resp.Body = nil
	}
	target = strings.Clone(target) // a part of the head would keep all of it in memory
	m.forget(target)
	for other := range m.files {
		if m.size+f.size(target) <= maxRemembered {
			break
		}
		m.forget(other)
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
