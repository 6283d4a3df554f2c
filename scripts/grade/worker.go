package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	"weblab.example/scripts/internal/kit"
)

// A submission's programs are started by a worker: this same program in a
// process of its own, with as few rights as the system lets it have. It gets a
// job on standard input and answers with lines of JSON on standard output,
// which its programs do not have. When it is killed, so is all that they began.

// workerEnv in the environment makes this program a worker.
const workerEnv = "WEBLAB_GRADE_WORKER"

// jobTime is how long all stages of a submission may take. A right one takes
// ten seconds; each check has a limit of its own, and a step, too.
const jobTime = 6 * time.Minute

// A job is what a worker is asked to do.
type job struct {
	Checks, Only string
	Level        golden.Level
	Seed         uint64
	Programs     map[int]golden.Program // by stage
	Work         string                 // the only directory where they may write
	Own          string                 // the directory of this submission
	Hide         []string               // directories in which others' work is
	Network      bool                   // a network of its own: nobody else's server can be asked
	Protection   protection
}

// A protection is how much of the machine a submission's programs are kept from.
type protection string

const (
	inNamespaces  protection = "in namespaces"  // and without rights
	withoutRights protection = "without rights" // under an id that owns nothing, if the grader is root
	plain         protection = "plain"          // a process like any other
)

// An answer is one line of a worker's: first which protections are missing,
// then the results of each stage.
type answer struct {
	Missing []string
	Stage   int
	Results []golden.Result
	Trouble string
}

// prepareWorkers puts this program where a worker may start it, finds out
// which protections this system has, and says which it has not.
func (g *grader) prepareWorkers(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	g.self = filepath.Join(g.temp, "grade.exe")
	data, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(g.self, data, 0o755)
	}
	if err == nil {
		err = os.Chmod(g.temp, 0o755) // go run's own directory is closed to others
	}
	if err != nil || g.command+g.clientCommand == "" && g.foreign() {
		return err
	}
	missing, err := g.probe(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		fmt.Fprintln(g.stderr, "grade: the programs are started without these protections, which are not to be had here:")
		for _, m := range missing {
			fmt.Fprintln(g.stderr, indent("- "+m, "  "))
		}
		fmt.Fprintln(g.stderr, indent("Strangers' code belongs into a container, one for each submission: see lab-notes/instructors.md.", ""))
	}
	return nil
}

// probe tries the protections, the best first, and returns what is missing.
func (g *grader) probe(ctx context.Context) (missing []string, err error) {
	var failed error
	for _, p := range []protection{inNamespaces, withoutRights, plain} {
		work := filepath.Join(g.temp, "probe", fmt.Sprint(p), "work")
		if err := os.MkdirAll(work, 0o755); err != nil {
			return nil, err
		}
		answers, err := g.runWorker(ctx, 0, job{Work: work, Own: filepath.Dir(work), Hide: g.othersWork(), Network: !g.foreign(), Protection: p})
		if err != nil || len(answers) == 0 {
			if failed == nil {
				failed = err
			}
			continue
		}
		g.protection = p
		missing = answers[0].Missing
		if p != inNamespaces {
			missing = append(missing, fmt.Sprintf("namespaces: what they leave running goes on, they see other processes, and can change files outside where their rights allow it (%s)", firstLine(failed)))
		}
		if g.ownID() || p == plain && isRoot() {
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
func (g *grader) check(ctx context.Context, i int, s *submission, dir string, programs map[int]golden.Program) error {
	// A program in another language may have its port from the command line, and
	// somebody may hold it: that is only seen on the network that all share.
	j := job{Checks: g.checks, Only: g.only, Level: g.level, Seed: g.seed, Programs: programs, Work: filepath.Join(dir, "work"), Protection: g.protection,
		Own: dir, Hide: g.othersWork(), Network: !g.foreign()}
	var answers []answer
	var err error
	if g.self == "" || g.command+g.clientCommand == "" && g.foreign() {
		answers = j.gradeStages(ctx) // this workspace, as go test does it; or a server that runs already
	} else {
		answers, err = g.runWorker(ctx, i, j)
	}
	for _, r := range s.Stages {
		if _, ok := programs[r.Stage]; !ok {
			continue
		}
		at := slices.IndexFunc(answers, func(a answer) bool { return a.Stage == r.Stage })
		if at < 0 && ctx.Err() == nil {
			// The worker's end is the programs' doing: they had all that it has.
			results := notRun(checksOf(r), "the programs did not let the checks end: "+firstLine(err))
			r.fill(results)
			continue
		}
		if at < 0 {
			return ctx.Err()
		}
		if answers[at].Trouble != "" {
			return errors.New(answers[at].Trouble)
		}
		r.take(answers[at].Results)
	}
	return nil
}

// take splits the results of the textbook's checks from those of the golden
// ones behind them, which give no points.
func (r *stageResult) take(results []golden.Result) {
	n := len(r.Results)
	r.fill(results[:min(n, len(results))])
	for _, c := range results[min(n, len(results)):] {
		if c.Status == golden.Failed {
			r.Adds = append(r.Adds, fmt.Sprintf("%s %s: %s", c.Step, c.Name, c.Want))
		}
	}
}

// runWorker runs a worker to its end and returns what it answered until then.
func (g *grader) runWorker(ctx context.Context, i int, j job) ([]answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, jobTime, fmt.Errorf("it took over %v", jobTime))
	defer cancel()
	input, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, g.self)
	cmd.Dir = j.Work
	cmd.Env = append(cleanEnviron(), workerEnv+"=1", "TMPDIR="+j.Work, "TEMP="+j.Work, "TMP="+j.Work, "HOME="+j.Work)
	cmd.Stdin = bytes.NewReader(input)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr // the worker's own; its programs have another
	cmd.WaitDelay = time.Second
	if err := protect(cmd, j, i, g.ownID()); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var answers []answer
	lines := json.NewDecoder(io.LimitReader(stdout, 256<<20))
	for {
		var a answer
		if lines.Decode(&a) != nil {
			break // the end; if it came too early, Wait says so
		}
		answers = append(answers, a)
	}
	err = cmd.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	} else if err != nil {
		err = fmt.Errorf("%w: %.500s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return answers, err
}

// cleanEnviron is what of the grader's environment its programs may see.
func cleanEnviron() (env []string) {
	for _, name := range []string{"PATH", "LANG", "LC_ALL", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// work is the worker.
func work() {
	os.Unsetenv(workerEnv) // or a program that is this one would be a worker as well
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(trouble)
	}
	out := json.NewEncoder(os.Stdout)
	surviveSignals()
	missing := limitSelf()
	if j.Protection == inNamespaces {
		missing = append(missing, j.enterWork()...)
	}
	out.Encode(answer{Missing: missing}) // an error shows to the reader
	// A moment before it is killed it ends its programs itself: where there are
	// no namespaces, nobody else can.
	ctx, cancel := context.WithTimeout(context.Background(), jobTime-10*time.Second)
	defer cancel()
	var mu sync.Mutex
	j.each(func(stage int) {
		a := j.gradeStage(ctx, stage)
		mu.Lock()
		defer mu.Unlock()
		out.Encode(a)
	})
}

// surviveSignals keeps a worker running when one of its own programs wants to
// end it. They are taken, not ignored: what is ignored, a program inherits.
func surviveSignals() {
	taken := make(chan os.Signal, 1)
	signal.Notify(taken, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
}

// othersWork lists what the programs of a submission must not see: where the
// submissions are, those that are graded at the same time, and the kit with its
// solutions.
func (g *grader) othersWork() (dirs []string) {
	for _, dir := range append([]string{g.temp, g.root}, g.folders...) {
		if abs, err := filepath.Abs(dir); err == nil {
			dirs = append(dirs, abs)
		}
	}
	return dirs
}

// gradeStages grades all stages of a job.
func (j job) gradeStages(ctx context.Context) (answers []answer) {
	var mu sync.Mutex
	j.each(func(stage int) {
		a := j.gradeStage(ctx, stage)
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, a)
	})
	return answers
}

// each calls f for each stage, at once where each has a program of its own.
func (j job) each(f func(stage int)) {
	var all sync.WaitGroup
	for _, stage := range slices.Sorted(maps.Keys(j.Programs)) {
		if j.Programs[stage].Foreign {
			f(stage)
		} else {
			all.Go(func() { f(stage) })
		}
	}
	all.Wait()
}

// goldenAdds runs the golden checks of a stage's own steps, to tell what they
// would add. No step waits for another here; but as it is for no points, it is
// not for ever either.
func (j job) goldenAdds(ctx context.Context, stage int, program golden.Program) (results []golden.Result) {
	const enough = 20 * time.Second
	start := time.Now()
	var step []golden.Check
	for _, c := range append(golden.Checks(stage), golden.Check{Step: "end"}) {
		if len(step) > 0 && c.Step != step[0].Step {
			if time.Since(start) < enough {
				results = append(results, golden.Grade(ctx, step, program, j.Seed)...)
			}
			step = nil
		}
		if golden.StepOf(c.Step).Stage == stage { // stage 2 answers as stage 1 does
			step = append(step, c)
		}
	}
	return results
}

func (j job) gradeStage(ctx context.Context, stage int) answer {
	program := j.Programs[stage]
	if j.Protection == inNamespaces {
		program.Confine = confineProgram
	}
	list := checks(j.Checks, stage, j.Only, j.Level)
	results := golden.Grade(ctx, list, program, j.Seed)
	if j.Checks == "textbook" && j.Only == "" {
		results = append(results, j.goldenAdds(ctx, stage, program)...)
	}
	a := answer{Stage: stage, Results: results}
	for _, r := range results {
		if r.Diagnosis == "trouble" && strings.Contains(r.Seen, kit.ErrTrouble.Error()) {
			a.Trouble = r.Seen
		}
	}
	return a
}
