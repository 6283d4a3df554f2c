package verdict

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var verb = regexp.MustCompile(`%(?:\[(\d)\])?([a-z])`)

// verbs are the verbs of a sentence, in the order of what they are filled with.
func verbs(text string) (all []string) {
	for i, m := range verb.FindAllStringSubmatch(text, -1) {
		at := string(rune('1' + i))
		if m[1] != "" {
			at = m[1]
		}
		all = append(all, at+m[2])
	}
	slices.Sort(all)
	return all
}

// TestChinese: each sentence stands in both languages, and is filled with the same.
func TestChinese(t *testing.T) {
	check := func(name string, w Words) {
		if w.Why == "" || w.Zh == "" || !strings.ContainsFunc(w.Zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %q, %q", name, w.Why, w.Zh)
		}
		if !slices.Equal(verbs(w.Why), verbs(w.Zh)) {
			t.Errorf("%s is filled with %q, and in Chinese with %q", name, verbs(w.Why), verbs(w.Zh))
		}
	}
	for name, d := range Diagnoses {
		check(name, d.Words)
		if d.Title == "" || d.TitleZh == "" {
			t.Errorf("%s has the titles %q and %q", name, d.Title, d.TitleZh)
		}
	}
	for name, w := range Texts.InStep {
		check(name, w)
	}
	for language, all := range Texts.InLanguage {
		for name, w := range all {
			check(language+" "+name, w)
			if !slices.Equal(verbs(w.Why), verbs(Diagnoses[name].Why)) {
				t.Errorf("%s %s is filled with %q, and the general one with %q", language, name, verbs(w.Why), verbs(Diagnoses[name].Why))
			}
		}
	}
	for language, all := range Texts.LastWords {
		for _, w := range all {
			check(language+" "+w.Is, w.Words)
			if _, err := regexp.Compile(w.Is); err != nil {
				t.Error(err)
			}
		}
	}
	for _, r := range Texts.Refusals {
		check(r.Checks, r.Words)
	}
}

// TestReader: the words are those of the program's language, and the reader's.
func TestReader(t *testing.T) {
	f := Failf("serial", "")
	for _, c := range []struct {
		r    Reader
		want string
	}{
		{Reader{}, "goroutine"}, {Reader{Speaks: "python"}, "threading.Thread"}, {Reader{Speaks: "java", Lang: "zh"}, "线程"}, {Reader{Lang: "zh"}, "goroutine"},
	} {
		if got := f.Why(c.r); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c.r, got)
		}
	}
	if got := (Reader{Speaks: "python"}).LastWords("TypeError: a bytes-like object is required, not 'str'"); !strings.Contains(got, "encode()") {
		t.Error(got)
	}
	if got := (Reader{Speaks: "python"}).LastWords("something that nobody has seen"); got != "" {
		t.Error(got)
	}
}
