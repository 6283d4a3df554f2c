package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// nginxHow sums up nginxConfig.
const nginxHow = "a worker for each processor, sendfile, no access log, high keepalive_requests and keepalive_timeout; row 5 does not count the memory that it takes for each connection at its start, about 0.4 kB"

// startNginx starts nginx in the foreground, with its own configuration. nginx
// writes only to files below the temporary folder.
func startNginx(ctx context.Context, b *bench) (*server, error) {
	addr, _, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.temp, "nginx-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	config := nginxConfig(filepath.ToSlash(dir), filepath.ToSlash(b.site()), addr, os.Getuid() == 0)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	return b.startForeign(ctx, "nginx", addr, "-p", dir, "-c", file)
}

// nginxConfig sets nginx up to be fast, as people do. If root starts nginx, the
// workers must keep the rights of root: otherwise they could not read the folder.
func nginxConfig(dir, site, addr string, root bool) string {
	var c strings.Builder
	if root {
		c.WriteString("user root;\n")
	}
	fmt.Fprintf(&c, `daemon off;
worker_processes %d;
worker_rlimit_nofile 12000;
pid "%[2]s/pid";
error_log "%[2]s/error.log";
events { worker_connections 10000; }
http {
	access_log off;
	sendfile on;
	keepalive_requests 1000000000;
	keepalive_timeout 10m;
	types { text/html html; }
	default_type application/octet-stream;
	client_body_temp_path "%[2]s/body";
	proxy_temp_path "%[2]s/proxy";
	fastcgi_temp_path "%[2]s/fastcgi";
	uwsgi_temp_path "%[2]s/uwsgi";
	scgi_temp_path "%[2]s/scgi";
	server {
		listen %[3]s;
		root "%[4]s";
	}
}
`, runtime.NumCPU(), dir, addr, site)
	return c.String()
}

// freePort returns a port on which no program listens. Another program may take it
// before the caller does. So the caller checks that its server answers.
func freePort() (addr, port string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer ln.Close()
	addr = ln.Addr().String()
	_, port, err = net.SplitHostPort(addr)
	return addr, port, err
}
