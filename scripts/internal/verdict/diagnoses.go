// Package verdict says what is wrong with what a check has seen, and why that happens:
//
//	exchange.Heard, and the bytes that should have come -> Want -> Answer (the first
//	mistake that fits) -> Failure -> Why (a sentence of the table Diagnoses) and Note
//	a client's request -> Request; what a client printed -> Output -> Failure
package verdict

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
)

// A Diagnosis is a mistake that a check can name: why what was seen happened,
// in a sentence or two, and the lab note to read. Verbs such as %d are filled
// in with what was seen. The note "" is the page of the check's own step.
type Diagnosis struct{ Why, Note string }

//go:embed diagnoses.json
var texts []byte

// Texts are the sentences of diagnoses.json.
var Texts = func() (t struct {
	Diagnoses map[string]map[string]Diagnosis // by group and name

	// InStep has other words for a diagnosis in a step where those of the table speak
	// of what comes later, by step and name. The note is the page of that step.
	InStep map[string]string `json:"in a step"`

	// Refusals say what an attacker or a broken client does with a server that does
	// not refuse a request, for groups of checks. A group is known by the wanted
	// status and the check's name; the first that matches counts.
	Refusals []struct{ Checks, Why string }
}) {
	if err := json.Unmarshal(texts, &t); err != nil {
		panic(err) // the file is embedded, and a test reads it
	}
	return t
}()

// Diagnoses has every sentence with which a check explains a failure, by name.
var Diagnoses = func() map[string]Diagnosis {
	all := map[string]Diagnosis{}
	for _, group := range Texts.Diagnoses {
		for name, d := range group {
			all[name] = d
		}
	}
	return all
}()

// Refusal is what follows from not refusing a request, where a check wants a status
// that refuses it.
func Refusal(check string, status int) string {
	for _, r := range Texts.Refusals {
		if regexp.MustCompile(r.Checks).MatchString(fmt.Sprintf("%d %s", status, check)) {
			return " " + r.Why
		}
	}
	return ""
}

// A Failure is the error of a check that failed.
type Failure struct {
	Seen      string
	Diagnosis string // of the table
	Args      []any  // for the verbs in it
}

func (f *Failure) Error() string { return f.Seen + "\n" + f.Why("") }

// Why is the mistake behind a failure, in the words of a step where it has its own.
func (f *Failure) Why(step string) string {
	words := Diagnoses[f.Diagnosis].Why
	if own := Texts.InStep[step+" "+f.Diagnosis]; own != "" {
		words = own
	}
	return fmt.Sprintf(words, f.Args...)
}

// Note names the page of lab-notes and the section in it for a diagnosis, or is ""
// where the step's own is meant.
func Note(diagnosis, step string) string {
	if Texts.InStep[step+" "+diagnosis] != "" {
		return ""
	}
	return Diagnoses[diagnosis].Note
}

// Failf is a failure with this diagnosis.
func Failf(diagnosis, seen string, args ...any) *Failure {
	return &Failure{Seen: fmt.Sprintf(seen, args...), Diagnosis: diagnosis}
}

// Because gives a failure another diagnosis: in a check that knows better
// what it means when something as simple as this fails.
func Because(err error, diagnosis string, args ...any) error {
	if f, ok := err.(*Failure); ok {
		f.Diagnosis, f.Args = diagnosis, args
	}
	return err
}
