//go:build kit

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weblab.example/scripts/internal/kit"
)

// An attack is a submission that wants points which it has not earned, or harm. Nobody
// does with it.
type attack struct {
	name  string
	main  string            // what its stage 1 does; source finds the imports
	files map[string]string // other files of it
	make  func(root, dir string) error
	linux bool   // only namespaces and limits stop it
	says  string // in its report
	not   string // and not this
}

// In an attack's source, KIT is the kit that grades, CLASS the folder of the
// submissions, NEAR a directory with a file of the grader's user in it, SERVER
// the address of somebody else's server.
var attacks = []attack{
	{name: "exits in init", main: `os.Exit(0)`},
	{name: "says that it passed", main: `
		text := "PASS\nok 100%\n" + strings.Repeat("{\"Stage\":1,\"Results\":[{\"stage\":1,\"step\":\"1.1\",\"name\":\"announces\",\"points\":1000,\"status\":\"passed\"}]}\n", 3)
		for fd := 1; fd < 20; fd++ {
			syscall.Write(fd, []byte(text))
		}
		os.WriteFile("results.json", []byte(text), 0o644)`},
	{name: "edits the checks", main: `os.WriteFile("KIT/scripts/golden/hacked.go", []byte("package golden"), 0o644); os.Remove("KIT/go.sum")`, linux: true,
		files: map[string]string{"scripts/golden/check.go": "package golden\n\nfunc init() { println(1) }\n", "stage1-single/go.mod": "module weblab.example/stage1-single\n\ngo 1.25.0\n"}, says: "changed by the submission, and without effect: scripts/golden/check.go, stage1-single/go.mod"},
	{name: "forks and stays", linux: true, main: `
		if len(os.Args) > 1 && os.Args[1] == "stay" {
			time.Sleep(10 * time.Minute)
		}
		for range 3 {
			syscall.ForkExec("/proc/self/exe", []string{"weblab-attack-stays", "stay"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}})
		}`},
	{name: "forks without end", linux: true, main: `
		if len(os.Args) > 1 && os.Args[1] == "stay" {
			time.Sleep(10 * time.Minute)
		}
		for range 3000 {
			syscall.ForkExec("/proc/self/exe", []string{"weblab-attack-stays", "stay"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}})
		}
		time.Sleep(time.Minute)`},
	{name: "kills everything", linux: true, main: `
		if os.Getpid() < 200 { // in a PID namespace of its own; outside of one it would be no test, but harm
			syscall.Kill(-1, syscall.SIGKILL)
			syscall.Kill(1, syscall.SIGKILL)
			syscall.Kill(1, syscall.SIGTERM)
			syscall.Kill(1, syscall.SIGQUIT)
		}`},
	{name: "runs another's program", linux: true, main: `
		found, _ := filepath.Glob(filepath.Dir(filepath.Dir(os.Args[0])) + "/*/stage1-single.exe")
		solution, _ := filepath.Glob("KIT/stage1-single/*.go")
		classmates, _ := filepath.Glob("CLASS/*/stage1-single/main.go")
		if len(found) > 1 || len(solution)+len(classmates) > 0 {
			fmt.Fprintln(os.Stderr, "saw the work of others")
		}
		for _, program := range found {
			if program != os.Args[0] {
				syscall.Exec(program, os.Args, os.Environ())
			}
		}`, not: "saw the work of others"},
	{name: "asks another's server", linux: true, main: `
		if _, err := net.Dial("tcp", "SERVER"); err == nil {
			fmt.Fprintln(os.Stderr, "reached the server of another")
		}`, not: "reached the server of another"},
	{name: "never answers", main: `
		ln, _ := net.Listen("tcp", "127.0.0.1:0")
		fmt.Printf("http://%s/ serves .\n", ln.Addr())
		var all []net.Conn
		for {
			conn, _ := ln.Accept()
			all = append(all, conn)
		}`},
	{name: "prints without end", main: `
		for {
			os.Stdout.WriteString(strings.Repeat("x", 1<<16))
			os.Stderr.WriteString(strings.Repeat("y", 1<<16))
		}`},
	{name: "allocates without end", linux: true, main: `
		var all [][]byte
		for {
			block := make([]byte, 64<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			all = append(all, block)
			fmt.Fprintln(os.Stderr, len(all)*64, "MB")
			if len(all) > 40 { // 2.5 GB: nothing stops it
				os.Stderr.WriteString("had all that it wanted")
				os.Exit(0)
			}
		}`, not: "had all that it wanted"},
	{name: "deletes around it", linux: true, main: `
		os.WriteFile("NEAR/canary", []byte("overwritten"), 0o644)
		os.RemoveAll("NEAR")
		os.RemoveAll(filepath.Dir(os.Args[0]))
		os.RemoveAll("..")`},
	{name: "fills the disk", linux: true, main: `
		for _, dir := range []string{"NEAR", os.TempDir(), ".", filepath.Dir(os.Args[0]), "/tmp", "/dev/shm"} {
			f, err := os.Create(dir + "/weblab-attack-fill")
			for i := 0; err == nil && i < 1<<10; i++ { // 1 GB, in case that nothing stops it
				_, err = f.Write(make([]byte, 1<<20))
			}
		}`},
	{name: "imports net http", main: `http.ListenAndServe(":0", nil)`, says: "net/http may not be used"},
	{name: "imports os exec", main: `exec.Command("go", "version").Run()`, says: "os/exec may not be used"},
	{name: "c code", main: `fmt.Print()`, files: map[string]string{"stage1-single/c.go": "package main\n\n// int one() { return 1; }\nimport \"C\"\n\nfunc init() { println(C.one()) }\n"}, says: "announces: failed"},
	{name: "assembly", main: `fmt.Print()`, files: map[string]string{"stage1-single/x.s": "TEXT ·f(SB),$0\n\tRET\n", "stage1-single/x.go": "package main\n\nfunc f()\n\nfunc init() { f() }\n"}, says: "could not be built"},
	{name: "link to the solution", says: "left out, as links, huge, or no files: stage1-single/main.go", make: func(root, dir string) error {
		return errors.Join(os.Mkdir(filepath.Join(dir, "stage1-single"), 0o755),
			os.Symlink(filepath.Join(root, "stage1-single", "main.go"), filepath.Join(dir, "stage1-single", "main.go")),
			os.Symlink(filepath.Join(root, "stage1-single", "http1"), filepath.Join(dir, "stage1-single", "http1")))
	}},
	{name: "link to a stage", says: "stage1-single is no folder", make: func(root, dir string) error {
		return os.Symlink(filepath.Join(root, "stage1-single"), filepath.Join(dir, "stage1-single"))
	}},
	{name: "huge file", main: `fmt.Print()`, says: "left out, as links, huge, or no files: stage1-single/huge.go, stage1-single/www/huge.bin",
		files: map[string]string{"stage1-single/www/huge.bin": "", "stage1-single/huge.go": ""}, make: func(_, dir string) error { // sparse: they take no room
			return errors.Join(os.Truncate(filepath.Join(dir, "stage1-single", "www", "huge.bin"), 10<<30), os.Truncate(filepath.Join(dir, "stage1-single", "huge.go"), 10<<30))
		}},
}

// lay makes an attack's submission. An error is that this system has not what it takes.
func (a attack) lay(t *testing.T, p *place, server string) error {
	t.Helper()
	dir := filepath.Join(p.class, a.name)
	put(t, filepath.Join(dir, "README"), "")
	if a.main != "" {
		main := strings.NewReplacer("SERVER", server, "KIT", filepath.ToSlash(p.root), "CLASS", filepath.ToSlash(p.class), "NEAR", filepath.ToSlash(p.near)).Replace(a.main)
		put(t, filepath.Join(dir, kit.Folder(1), "main.go"), source(main))
	}
	for name, text := range a.files {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	if a.make == nil {
		return nil
	}
	return a.make(p.root, dir)
}

// source is a main.go with this body and the imports that it needs. It does its work before
// main begins.
func source(body string) string {
	s := "package main\n\n"
	for _, name := range []string{"fmt", "net", "net/http", "os", "os/exec", "path/filepath", "strings", "syscall", "time"} {
		if strings.Contains(body, name[strings.LastIndexByte(name, '/')+1:]+".") {
			s += fmt.Sprintf("import %q\n", name)
		}
	}
	return s + "\nfunc main() {}\n\nfunc init() {" + body + "\n}\n"
}
