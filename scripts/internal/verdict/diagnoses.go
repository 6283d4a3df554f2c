// Package verdict says what is wrong with what a check has seen, and why that happens:
//
//	exchange.Heard, and the bytes that should have come -> Want -> Answer (the first
//	mistake that fits), or a page -> Browser (what a browser forgives)
//	-> Failure -> Why (a sentence of the table, for this reader) and Note
//	a client's request -> Request; what a client printed -> Output -> Failure
package verdict

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Words are the same in two languages. Verbs such as %d are filled in with what was
// seen, in both.
type Words struct{ Why, Zh string }

// in returns the words in a language, en or zh.
func (w Words) in(lang string) string {
	if lang == "zh" {
		return cmp.Or(w.Zh, w.Why)
	}
	return w.Why
}

// A Diagnosis is a mistake that a check can name: why what was seen happened,
// in a sentence or two, a title for a list of many, and the lab note to read.
// The note "" is the page of the check's own step.
type Diagnosis struct {
	Words
	Title, TitleZh string `json:",omitempty"`
	Note           string
}

//go:embed diagnoses.json
var texts []byte

// Texts are the sentences of diagnoses.json.
var Texts = func() (t struct {
	Reports map[string]string // the Chinese of what the grader's reports say beside the diagnoses

	Diagnoses map[string]map[string]Diagnosis // by group and name

	// InStep has other words for a diagnosis in a step where those of the table speak
	// of what comes later, by step and name. The note is the page of that step.
	InStep map[string]Words `json:"in a step"`

	// InLanguage has other words for a diagnosis of a program in another language than
	// Go, by language and name.
	InLanguage map[string]map[string]Words `json:"in a language"`

	// LastWords says what it means when a program in a language fails with such a line.
	LastWords map[string][]struct {
		Is string // a regular expression
		Words
	} `json:"last words"`

	// Refusals say what an attacker or a broken client does with a server that does
	// not refuse a request, for groups of checks. A group is known by the wanted
	// status and the check's name; the first that matches counts.
	Refusals []struct {
		Checks string
		Words
	}

	// Remedies are what to do about a program that could not be started, by what it says.
	Remedies []struct{ Said, Do string }
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

// Title is a diagnosis in a word or two, in a language.
func Title(diagnosis, lang string) string {
	d := Diagnoses[diagnosis]
	if lang == "zh" && d.TitleZh != "" {
		return d.TitleZh
	}
	return cmp.Or(d.Title, strings.ReplaceAll(diagnosis, "-", " "))
}

// A Reader is who reads why something failed.
type Reader struct {
	Step   string // that the program is at
	Speaks string // the language of the program: python, node, java, c, go; "" is Go, or not known
	Lang   string // the language of the sentences: en or zh
}

// Refusal is what follows from not refusing a request, where a check wants a status
// that refuses it.
func (r Reader) Refusal(check string, status int) string {
	for _, group := range Texts.Refusals {
		if regexp.MustCompile(group.Checks).MatchString(fmt.Sprintf("%d %s", status, check)) {
			return " " + group.in(r.Lang)
		}
	}
	return ""
}

// LastWords is what a line means with which a program has failed, or "" if that is not
// known.
func (r Reader) LastWords(line string) string {
	for _, w := range Texts.LastWords[r.Speaks] {
		if regexp.MustCompile(w.Is).MatchString(line) {
			return w.in(r.Lang)
		}
	}
	return ""
}

// Remedy is what to do about a program that could not be started, as a sentence behind
// another one; "" if that is not known.
func Remedy(said string) string {
	for _, r := range Texts.Remedies {
		if regexp.MustCompile(r.Said).MatchString(said) {
			return " " + r.Do
		}
	}
	return ""
}

// A Failure is the error of a check that failed.
type Failure struct {
	Seen      string
	Diagnosis string // of the table
	Args      []any  // for the verbs in it
	Last      string // the program's last words: the table may know what they mean
}

func (f *Failure) Error() string { return f.Seen + "\n" + f.Why(Reader{}) }

// Why is the mistake behind a failure, in the words of its reader.
func (f *Failure) Why(r Reader) string {
	if why := r.LastWords(f.Last); f.Last != "" && why != "" {
		return why
	}
	words := Diagnoses[f.Diagnosis].Words
	if own, ok := Texts.InStep[r.Step+" "+f.Diagnosis]; ok {
		words = own
	}
	if own, ok := Texts.InLanguage[r.Speaks][f.Diagnosis]; ok {
		words = own
	}
	return fmt.Sprintf(words.in(r.Lang), f.Args...)
}

// Note names the page of lab-notes and the section in it for a diagnosis, or is ""
// where the step's own is meant.
func Note(diagnosis, step string) string {
	if _, ok := Texts.InStep[step+" "+diagnosis]; ok {
		return ""
	}
	return Diagnoses[diagnosis].Note
}

// Failf is a failure with this diagnosis.
func Failf(diagnosis, seen string, args ...any) *Failure {
	return &Failure{Seen: fmt.Sprintf(seen, args...), Diagnosis: diagnosis}
}

// found is a failure of which the caller says what was seen.
func found(diagnosis string, args ...any) *Failure {
	return &Failure{Diagnosis: diagnosis, Args: args}
}

// Because gives a failure another diagnosis: in a check that knows better
// what it means when something as simple as this fails.
func Because(err error, diagnosis string, args ...any) error {
	if f, ok := err.(*Failure); ok {
		f.Diagnosis, f.Args = diagnosis, args
	}
	return err
}
