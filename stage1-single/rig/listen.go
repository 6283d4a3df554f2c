package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"weblab.example/stage1-single/fast"
	"weblab.example/stage1-single/http1"
)

// A Listener accepts connections that look after themselves.
type Listener struct {
	Site     http1.Getter
	Stopping context.Context // is done when the server is asked to stop
	Options

	tcp      net.Listener
	log      *slog.Logger
	gaps     sync.Map     // texts of steps that are not written yet
	accepted atomic.Int64 // connections so far
	serving  atomic.Int64 // of them, those that are not over
}

// Listen opens the site and the listening socket, and prints where that is. From then on
// the system queues clients until Accept. If that fails, the program ends with status 1.
func Listen(o Options) *Listener {
	fast.LeaveProcessors()
	l, err := listen(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", o.Program, err)
		os.Exit(1)
	}
	l.stopOnSignal()
	fmt.Print(l.announcement())
	return l
}

func listen(o Options) (l *Listener, err error) {
	if o.Root == "" {
		if o.Root, err = findSite(); err != nil {
			return nil, err
		}
	}
	site, err := http1.OpenSite(o.Root)
	if err != nil {
		return nil, err
	}
	config := net.ListenConfig{KeepAlive: -1} // none of the system's probes: every wait has a limit of its own
	tcp, err := config.Listen(context.Background(), "tcp", o.Addr)
	const windowsAddrInUse = syscall.Errno(10048) // WSAEADDRINUSE
	switch {
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, windowsAddrInUse):
		return nil, fmt.Errorf("%s is taken: a program listens there already, perhaps an earlier `go run` that still runs. "+
			"End it, or choose another port: -addr localhost:6790 (port 0 picks a free one)", o.Addr)
	case err != nil:
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	if err := fast.SetBacklog(tcp, o.Backlog); err != nil {
		return nil, fmt.Errorf("-backlog: %w", err)
	}
	return &Listener{Site: fast.Remember(site), Stopping: context.Background(), Options: o, tcp: tcp, log: newLogger(os.Stderr, o.LogFormat)}, nil
}

// Accept waits for the next connection. Its error means that the listener is closed. Any
// other is a bad moment, such as too many open files: it is logged, and tried again.
func (l *Listener) Accept() (*Conn, error) {
	for {
		tcp, err := l.tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			l.log.Warn("accept", "error", err)
			time.Sleep(100 * time.Millisecond)
		case l.Samples:
			l.newConn(tcp).serveSample()
		default:
			return l.newConn(tcp), nil
		}
	}
}

// findSite looks for the kit's own site in the working directory and above.
func findSite() (string, error) {
	dir, err := os.Getwd()
	for above := ""; err == nil && dir != above; dir, above = filepath.Dir(dir), dir {
		site := filepath.Join(dir, "stage1-single", "www")
		if info, err := os.Stat(site); err == nil && info.IsDir() {
			return site, nil
		}
	}
	return "", cmp.Or(err, errors.New("stage1-single/www is not here or above: say what to serve with -root DIRECTORY"))
}

// announcement has the host as it was given, and the port that was picked.
func (l *Listener) announcement() string {
	host, _, _ := net.SplitHostPort(l.Addr) // it was good enough to listen on
	_, port, _ := net.SplitHostPort(l.tcp.Addr().String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return fmt.Sprintf("http://%s/ serves %s\n", net.JoinHostPort(host, port), l.Root)
}

// stopOnSignal closes the listener on Ctrl-C or SIGTERM, and lets those connections go
// that wait for a request. Answers under way have 5 seconds; a second signal ends all.
func (l *Listener) stopOnSignal() {
	var stop context.CancelFunc
	l.Stopping, stop = context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		l.tcp.Close()
		select {
		case <-signals:
			os.Exit(1)
		case <-time.After(5 * time.Second):
			os.Exit(0)
		}
	}()
}
