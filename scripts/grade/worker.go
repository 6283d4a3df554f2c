package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/launch"
)

// A submission's programs are started by a worker: this same program in a
// process of its own, with as few rights as the system lets it have. It gets a
// job on standard input and answers with lines of JSON on standard output,
// which its programs do not have. When it is killed, so is all that they began.
// This workspace is graded without one, and so is a server that runs already.

// workerEnv in the environment makes this program a worker.
const workerEnv = "WEBLAB_GRADE_WORKER"

// jobTime is how long all stages of a submission may take. A right one takes
// ten seconds; each check has a limit of its own, and a step, too.
const jobTime = 6 * time.Minute

// A job is what a worker is asked to do.
type job struct {
	selection
	Programs   map[int]golden.Program // by stage
	Own        string                 // the directory of this submission
	Hide       []string               // directories in which others' work is
	Anywhere   bool                   // every port, address and name of a host is this machine's, and theirs
	Protection protection
	Tools      []string // programs of the system that it must be able to start
}

// work is the only directory where a job's programs may write.
func (j job) work() string { return filepath.Join(j.Own, "work") }

// A protection is how much of the machine a submission's programs are kept from.
type protection string

const (
	inNamespaces  protection = "in namespaces"  // and without rights
	withoutRights protection = "without rights" // under an id that owns nothing, if the grader is root
	plain         protection = "plain"          // a process like any other
)

// An answer is one line of a worker's: first what it could not have, then the
// results of each stage.
type answer struct {
	Missing []string // protections
	NoTool  bool     // that it may start
	Stage   int
	Results []golden.Result
	Remarks []string
	Trouble string
}

// newJob is a job in a directory, without programs.
func (g *grader) newJob(dir string) job {
	j := job{selection: g.selection, Own: dir, Anywhere: g.foreign(), Protection: g.protection, Tools: g.tools()}
	// What they must not see: the submissions, those that are graded at the same time, and
	// the kit with its solutions.
	for _, other := range append([]string{g.temp, g.root}, g.folders...) {
		if abs, err := filepath.Abs(other); err == nil {
			j.Hide = append(j.Hide, abs)
		}
	}
	return j
}

// prepareWorkers finds out which protections this system has, and says which it has not.
func (g *grader) prepareWorkers(ctx context.Context) error {
	if g.addr != "" && g.command+g.clientCommand == "" {
		return nil // a server of somebody's, and no program to start
	}
	if err := os.Chmod(g.temp, 0o755); err != nil { // for other ids
		return err
	}
	missing, err := g.probe(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	fmt.Fprintln(g.stderr, "grade: the programs are started without these protections, which are not to be had here:")
	for _, m := range missing {
		fmt.Fprintln(g.stderr, indent("- "+m, "  "))
	}
	fmt.Fprintln(g.stderr, indent("Strangers' code belongs into a container, one for each submission: see lab-notes/instructors.md.", ""))
	return nil
}

// probe tries the protections, the best first, and returns what is missing.
func (g *grader) probe(ctx context.Context) (missing []string, err error) {
	root := os.Getuid() == 0
	var failed error
	for _, g.protection = range []protection{inNamespaces, withoutRights, plain} {
		dir := filepath.Join(g.temp, "probe", string(g.protection))
		if err := os.MkdirAll(filepath.Join(dir, "work"), 0o755); err != nil {
			return nil, err
		}
		answers, err := g.runWorker(ctx, 0, g.newJob(dir))
		if err == nil && root && len(answers) > 0 && answers[0].NoTool {
			g.ownID = true // only the grader may start it
			answers, err = g.runWorker(ctx, 0, g.newJob(dir))
		}
		if err != nil || len(answers) == 0 {
			failed = cmp.Or(failed, err)
			continue
		}
		missing = answers[0].Missing
		if g.protection != inNamespaces {
			missing = append(missing, "namespaces: what they leave running goes on, they see other processes, and can change files outside where their rights allow it ("+firstLine(failed)+")")
		}
		if root && (g.ownID || g.protection == plain) {
			missing = append(missing, "an id without rights: they run as root")
		}
		return missing, nil
	}
	return nil, fmt.Errorf("a process that checks a submission cannot be started: %w", failed)
}

func firstLine(err error) string {
	if err == nil {
		return "no answer"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// check has a submission's programs checked, and takes over the results.
func (g *grader) check(ctx context.Context, i int, s *submission, dir string) error {
	j := g.newJob(dir)
	j.Programs = map[int]golden.Program{}
	for _, r := range s.Stages {
		if r.State == graded {
			j.Programs[r.Stage] = r.program
		}
	}
	if len(j.Programs) == 0 {
		return nil
	}
	var answers []answer
	var err error
	if g.protection != "" {
		answers, err = g.runWorker(ctx, i, j)
	} else { // this workspace, as go test does it; or a server that runs already
		done := make(chan bool)
		go func() {
			defer close(done)
			j.grade(ctx, func(a answer) { answers = append(answers, a) })
		}()
		select {
		case <-done:
		case <-ctx.Done(): // the checks end soon, with their programs and files, if a strange server lets them
			select {
			case <-done:
			case <-time.After(2 * time.Second):
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, r := range s.Stages {
		at := slices.IndexFunc(answers, func(a answer) bool { return a.Stage == r.Stage })
		switch {
		case r.State != graded:
		case at < 0:
			// The worker's end is the programs' doing: they had all that it has.
			r.notRun("the programs did not let the checks end: " + firstLine(err))
		case answers[at].Trouble != "":
			return errors.New(answers[at].Trouble)
		default:
			for _, remark := range answers[at].Remarks {
				if remark = oneLine(remark); !slices.Contains(s.Remarks, remark) { // each stage starts the same program
					s.Remarks = append(s.Remarks, remark)
				}
			}
			r.fill(answers[at].Results)
		}
	}
	return nil
}

// runWorker runs a worker to its end and returns what it answered until then.
func (g *grader) runWorker(ctx context.Context, i int, j job) (answers []answer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, jobTime, fmt.Errorf("it took over %v", jobTime))
	defer cancel()
	input, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := launch.Command(ctx, self)
	cmd.Dir = j.work()
	cmd.Env = []string{workerEnv + "=1", "TMPDIR=" + j.work(), "TEMP=" + j.work(), "TMP=" + j.work(), "HOME=" + j.work()}
	for _, name := range []string{"PATH", "LANG", "LC_ALL", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok { // of the grader's environment its programs may see this
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Stdin = bytes.NewReader(input)
	var stdout, stderr launch.Tail // the worker's own; its programs have others
	stdout.Most = 64 << 20         // bytes; results of a submission are a hundredth of this
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := protect(cmd.Cmd, j, i, g.ownID); err != nil {
		return nil, err
	}
	err = cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	} else if said := strings.TrimSpace(stderr.String()); err != nil && said != "" {
		err = fmt.Errorf("%w: %.500s", err, said)
	}
	lines := json.NewDecoder(strings.NewReader(stdout.String()))
	for {
		var a answer
		if lines.Decode(&a) != nil {
			return answers, err // the end; if it came too early, err says why
		}
		answers = append(answers, a)
	}
}

// work is the worker.
func work() {
	os.Unsetenv(workerEnv) // or a program that is this one would be a worker as well
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(trouble)
	}
	// It goes on when one of its own programs wants to end it. The signals are
	// taken, not ignored: what is ignored, a program inherits.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	out := json.NewEncoder(os.Stdout) // an error of it shows to the reader
	noTool := slices.ContainsFunc(j.Tools, func(name string) bool {
		_, err := exec.LookPath(name)
		return err != nil
	})
	out.Encode(answer{Missing: j.keepFrom(), NoTool: noTool})
	// A moment before it is killed it ends its programs itself: where there are
	// no namespaces, nobody else can.
	ctx, cancel := context.WithTimeout(context.Background(), jobTime-10*time.Second)
	defer cancel()
	j.grade(ctx, func(a answer) { out.Encode(a) })
}

// grade grades the stages of a job, at once where each has a program of its own. A server in
// another language is one program for both of its stages: what the checks of the first have
// learned of it spares those of the second their waits. It tells what came out, of one
// stage after the other.
func (j job) grade(ctx context.Context, tell func(answer)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	stages := slices.Sorted(maps.Keys(j.Programs))
	for len(stages) > 0 {
		n := 1
		if j.Programs[stages[0]].Foreign && j.Checks == "textbook" && len(stages) > 1 && stages[1] == 2 {
			n = 2
		}
		var answers []answer
		same := stages[:n]
		stages = stages[n:]
		all.Go(func() {
			answers = j.gradeProgram(ctx, same)
			mu.Lock()
			defer mu.Unlock()
			for _, a := range answers {
				tell(a)
			}
		})
		if j.Programs[same[0]].Foreign {
			if all.Wait(); answers[0].Trouble != "" {
				return // of all stages
			}
		}
	}
	all.Wait()
}

// gradeProgram grades stages that have the same program.
func (j job) gradeProgram(ctx context.Context, stages []int) (answers []answer) {
	program := j.Programs[stages[0]]
	if j.Protection == inNamespaces {
		program.Confine = confineProgram
	}
	program.Lang, program.Notes = j.Lang, &golden.Notes{}
	var checks []golden.Check
	for _, stage := range stages {
		checks = append(checks, j.list(stage)...)
	}
	results := golden.Grade(ctx, checks, program, j.Seed)
	for _, stage := range stages {
		n := len(j.list(stage))
		answers = append(answers, answer{Stage: stage, Results: results[:n], Remarks: program.Notes.Remarks, Trouble: program.Notes.Trouble})
		results, program.Notes.Remarks = results[n:], nil // which are told once
	}
	return answers
}
