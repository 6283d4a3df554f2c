package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/kit"
)

// probeSource becomes one more file of each server under a soak.
//
//go:embed probe.go.txt
var probeSource []byte

// A probed has the servers with the probe in them, and the folder to which the
// probe writes its address.
type probed struct {
	programs map[int]string // by stage
	folder   string
}

// buildProbed builds both servers with the race detector and the probe. It does
// not change the files of the stages: with -overlay, the compiler takes some files
// from another place. Tests use replaced to break the servers: it has, by name
// below root, other contents for files of the stages.
func buildProbed(ctx context.Context, root, temp string, replaced map[string][]byte) (*probed, error) {
	p := &probed{programs: map[int]string{}, folder: filepath.Join(temp, "probes")}
	sources := map[string][]byte{}
	for name, source := range replaced {
		sources[filepath.Join(root, filepath.FromSlash(name))] = source
	}
	for stage := 1; stage <= 2; stage++ {
		name := filepath.Join(root, kit.Folder(stage), "soak_probe.go")
		sources[name] = bytes.Replace(probeSource, []byte(`"FOLDER"`), strconv.AppendQuote(nil, p.folder), 1)
	}
	overlay, err := writeOverlay(filepath.Join(temp, "overlay"), sources)
	if err == nil {
		err = os.Mkdir(p.folder, 0o755)
	}
	if err != nil {
		return nil, err
	}
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " '-overlay=" + overlay + "'")
	var builds errgroup.Group
	for stage := 1; stage <= 2; stage++ {
		folder := kit.Folder(stage)
		p.programs[stage] = filepath.Join(temp, folder+"-race.exe") // Windows needs the ending, the others do not mind
		builds.Go(func() error {
			return raceTrouble(kit.Build(ctx, root, folder, p.programs[stage], true, "GOFLAGS="+flags))
		})
	}
	return p, builds.Wait()
}

// writeOverlay writes files for go build -overlay to a folder. sources has the
// content of each file, by the name under which the compiler sees it. writeOverlay
// returns the name of the list.
func writeOverlay(folder string, sources map[string][]byte) (string, error) {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for name, source := range sources {
		file := filepath.Join(folder, fmt.Sprintf("%d.go", len(overlay.Replace)))
		if err := os.WriteFile(file, source, 0o644); err != nil {
			return "", err
		}
		overlay.Replace[name] = file
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list := filepath.Join(folder, "overlay.json")
	return list, os.WriteFile(list, text, 0o644)
}

// errNoRace says that there is no race detector here.
var errNoRace = errors.New("a soak needs Go's race detector, which needs a 64-bit system with cgo and a C compiler: apt install gcc libc6-dev, " +
	"xcode-select --install on macOS, or on Windows a gcc from MinGW-w64")

// noRace matches what go build says in this case.
var noRace = regexp.MustCompile(`C compiler|-race requires cgo|-race is (?:only|not) supported|gcc`)

// raceTrouble adds what is missing, if a build with -race failed for this reason.
func raceTrouble(err error) error {
	if err != nil && noRace.MatchString(err.Error()) {
		return fmt.Errorf("%w\n%w", errNoRace, err)
	}
	return err
}

// holdings are what a server holds.
type holdings struct {
	Goroutines  int
	Descriptors int   // -1 where they cannot be counted
	Bytes       int64 // of the heap; after a garbage collection, only those that are reachable
}

// ask asks the probe of the server with this process number. With collect the
// server collects garbage first.
func (p *probed) ask(pid int, collect bool) (h holdings, err error) {
	addr, err := os.ReadFile(filepath.Join(p.folder, strconv.Itoa(pid)))
	if err != nil {
		return h, err
	}
	conn, err := net.DialTimeout("tcp", string(addr), answerTime)
	if err != nil {
		return h, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(answerTime)) // fails if closed, and so does what follows
	question := []byte("n")
	if collect {
		question = []byte("y")
	}
	if _, err := conn.Write(question); err != nil {
		return h, err
	}
	return h, json.NewDecoder(conn).Decode(&h)
}

// What quiet waits for.
const (
	calm      = soakTimeout + time.Second // longer than every time-out of the servers: what they hold after it, they hold for good
	calmLimit = 30 * time.Second
)

// quiet waits until the server holds the same goroutines and descriptors for a
// while, and returns them.
func (p *probed) quiet(ctx context.Context, pid int) (holdings, error) {
	start := time.Now()
	var last holdings
	var since time.Time // they are the last ones
	for {
		h, err := p.ask(pid, false)
		h.Bytes = 0 // garbage comes and goes
		now := time.Now()
		switch {
		case err != nil:
			return h, err
		case h != last:
			last, since = h, now
		case now.Sub(since) > calm:
			return h, nil
		case now.Sub(start) > calmLimit:
			return h, fmt.Errorf("%v after the last client left, the numbers of goroutines and descriptors still change: %d and %d", calmLimit, h.Goroutines, h.Descriptors)
		}
		select {
		case <-ctx.Done():
			return h, ctx.Err()
		case <-time.After(50 * time.Millisecond): // the server does not tell when it is quiet
		}
	}
}

// A reading is what a server holds when it has no client.
type reading struct {
	holdings
	Forgotten int // descriptors that only the garbage collector has closed
}

// read waits until a server is quiet, and reads what it holds.
func (p *probed) read(ctx context.Context, pid int) (reading, error) {
	quiet, err := p.quiet(ctx, pid)
	if err != nil {
		return reading{}, err
	}
	collected, err := p.ask(pid, true)
	if err != nil {
		return reading{}, err
	}
	after, err := p.ask(pid, true) // once more: Go closes forgotten descriptors some time after the collection
	quiet.Bytes = min(collected.Bytes, after.Bytes)
	return reading{quiet, quiet.Descriptors - after.Descriptors}, err
}
