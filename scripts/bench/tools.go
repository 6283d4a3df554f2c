package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// errMissing is a program that is not installed.
type errMissing struct{ tool, install string }

func (e errMissing) Error() string { return e.tool + " is not installed: " + e.install }

// tools are programs that bench uses if they are installed, and how to install them.
var tools = map[string]string{
	"nginx":   "apt install nginx, or brew install nginx",
	"wrk":     "apt install wrk, or brew install wrk",
	"python3": "apt install python3, or python.org",
	"curl":    "apt install curl",
}

// findTool returns the path of a program. Without a name it returns "" and no error.
func findTool(tool string) (string, error) {
	if tool == "" {
		return "", nil
	}
	if path, err := exec.LookPath(tool); err == nil {
		return path, nil
	}
	// Servers are often in folders where only root's shell looks.
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, tool)); err == nil {
			return path, nil
		}
	}
	return "", errMissing{tool, tools[tool]}
}

// A version is what a program says about itself.
type version struct {
	Program string `json:"program"`
	Version string `json:"version"`
}

// versions asks all programs that take part for their version.
func versions() (vs []version) {
	for _, q := range []struct{ tool, flag string }{
		{"go", "version"}, {"nginx", "-v"}, {"wrk", "-v"}, {"python3", "--version"}, {"curl", "--version"},
	} {
		v := version{Program: q.tool}
		if path, err := findTool(q.tool); err != nil {
			v.Version = "not installed"
		} else {
			out, _ := exec.Command(path, q.flag).CombinedOutput() // some print it and exit with status 1
			v.Version, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
			v.Version, _, _ = strings.Cut(v.Version, " Copyright")
		}
		vs = append(vs, v)
	}
	return vs
}

// A machine describes the machine that bench ran on.
type machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	System     string `json:"system"`
}

func thisMachine() machine {
	m := machine{Processor: runtime.GOARCH, Processors: runtime.NumCPU(), System: runtime.GOOS}
	if model := valueIn("/proc/cpuinfo", "model name", ":"); model != "" {
		m.Processor = model
	}
	if name := valueIn("/etc/os-release", "PRETTY_NAME", "="); name != "" {
		m.System = strings.Trim(name, `"`)
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", Linux " + strings.TrimSpace(string(kernel))
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d processors, %s", m.Processor, m.Processors, m.System)
}

// valueIn returns the first value with this name in a file of the system, or "".
func valueIn(file, name, sep string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return "" // other systems have no such file
	}
	for line := range strings.Lines(string(content)) {
		if key, value, ok := strings.Cut(line, sep); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
