package tap

import (
	"io"
	"runtime"
	"sync"
	"testing"
)

// TestCost: a tap adds less to a request than anybody sees.
func TestCost(t *testing.T) {
	direct, tapped, err := Cost(1000)
	t.Logf("a request takes %v, through the tap %v: it adds %v", direct, tapped, tapped-direct)
	if err != nil || tapped > 20*direct {
		t.Errorf("a request takes %v, and through the tap %v (%v)", direct, tapped, err)
	}
}

// volume is how many bytes TestVolume sends.
var volume int64 = 64 << 20

// TestVolume: however much passes, a tap holds no more than 1 MB of it.
func TestVolume(t *testing.T) {
	ln, tap := listen(t)
	client, server := connect(t, ln, tap)
	block, buf := make([]byte, 1<<20), make([]byte, 1<<20)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	runtime.GC()
	before, most := heap(), int64(0)
	var sending sync.WaitGroup
	sending.Go(func() {
		for range volume / int64(len(block)) {
			client.Write(block)
		}
		client.Close()
	})
	var came, looked int64
	err := error(nil)
	for err == nil {
		var n int
		n, err = server.Read(buf)
		if came += int64(n); came-looked > volume/100 {
			looked, most = came, max(most, heap()-before)
		}
	}
	sending.Wait()
	server.Close()
	c := passed(t, tap)
	size := 0
	for _, p := range c.Pieces {
		size += p.Size
	}
	t.Logf("%d MB passed, and at most %d kB were held", came>>20, most>>10)
	if err != io.EOF || came != volume || size != int(volume) || most > 1<<20 {
		t.Errorf("%d bytes came, %d were counted, %d held (%v)", came, size, most, err)
	}
}
