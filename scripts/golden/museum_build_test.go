//go:build kit

package golden

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weblab.example/scripts/internal/caselist"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/verdict"
)

// A mistake is an entry of museum/*.txt.
type mistake struct {
	name, first, diagnosis string
	stage                  int    // "stage": the only one; 0 is all
	why, seen              string // a part of the message, where that matters
	everywhere             bool   // it is run through all checks: what they are, it does not do
	where                  string // file and line of the entry
	changes                []change
}

// A change is a part of a mistake: in a function of the file, was becomes is. If was is
// "", the text is added at the end of the file.
type change struct{ file, was, is string }

// mistakes reads the mistakes of a file of museum/, whose edits are below the folder of
// a stage, or else below the root.
func mistakes(t *testing.T, name, folder string) (all []mistake) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("museum", name))
	if err != nil {
		t.Fatal(err)
	}
	list, err := caselist.Read("museum/"+name, string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		words := strings.Fields(e.Want)
		if len(words) != 2 || verdict.Diagnoses[words[1]].Why == "" {
			t.Fatal(e.Wrong(e.Line, "want NAME: CHECK DIAGNOSIS, and one that there is"))
		}
		m := mistake{name: e.Name, first: words[0], diagnosis: words[1], where: fmt.Sprintf("museum/%s:%d", name, e.Line)}
		for _, kv := range e.Keys {
			switch kv.Name {
			case "stage":
				m.stage, err = strconv.Atoi(kv.Value)
			case "why":
				m.why = kv.Value
			case "seen":
				m.seen = kv.Value
			case "everywhere":
				m.everywhere = true
			default:
				was, is, ok := strings.Cut(kv.Value+" ", " => ")
				if code, adds := strings.CutPrefix(kv.Value, "+ "); adds {
					was, is, ok = "", code, true
				}
				if !ok {
					err = errors.New("want FILE WAS => IS")
				}
				file := filepath.Join(folder, kv.Name)
				if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
					file = kv.Name
				}
				m.changes = append(m.changes, change{file, was, is})
			}
			if err != nil {
				t.Fatal(e.Wrong(kv.Line, "%w", err))
			}
		}
		all = append(all, m)
	}
	return all
}

// museumVariable tells a program of the museum which mistake to make.
const museumVariable = "WEBLAB_MISTAKE"

// buildMuseum builds a stage with all these mistakes in it. A function that a mistake
// changes is there twice: as it is, and changed. The first thing that it does is to look
// which mistake is to be made.
func buildMuseum(ctx context.Context, dir, folder string, mistakes []mistake) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	files := map[string]*woven{}
	var wrong []error // all are told at once
	for i, m := range mistakes {
		for _, e := range m.changes {
			if files[e.file] == nil {
				if files[e.file], err = unwoven(filepath.Join(root, e.file)); err != nil {
					return fmt.Errorf("%s: %w", m.where, err)
				}
			}
			if err := files[e.file].edit(i, m.name, e); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s %w", m.where, e.file, err))
			}
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	replace := map[string]string{}
	for name, w := range files {
		overlay := filepath.Join(dir, folder+"-"+strings.ReplaceAll(name, string(filepath.Separator), "-"))
		replace[filepath.Join(root, name)] = overlay
		if err := os.WriteFile(overlay, w.source(), 0o644); err != nil {
			return err
		}
		variable := filepath.Join(dir, folder+"-"+w.file.Name.Name+"-museum.go")
		replace[filepath.Join(root, filepath.Dir(name), "museum_variable.go")] = variable
		text := fmt.Sprintf("package %s\n\nimport \"os\"\n\nvar museumMistake = os.Getenv(%q)\n", w.file.Name.Name, museumVariable)
		if err := os.WriteFile(variable, []byte(text), 0o644); err != nil {
			return err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	list := filepath.Join(dir, folder+".json")
	if err := os.WriteFile(list, overlay, 0o644); err != nil {
		return err
	}
	return kit.Build(ctx, root, folder, museumProgram(dir, folder), false, "GOFLAGS=-overlay="+list)
}

func museumProgram(dir, folder string) string { return filepath.Join(dir, folder+".exe") }

// woven is a source file into which mistakes are woven.
type woven struct {
	text    string
	fset    *token.FileSet
	file    *ast.File
	changed map[*ast.FuncDecl]map[int]string // the function with a mistake in it, by the mistake's number
	names   map[int]string                   // of the mistakes
	imports map[string]bool                  // of what is added
	more    string
}

func unwoven(name string) (*woven, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	w := &woven{text: string(text), fset: token.NewFileSet(), changed: map[*ast.FuncDecl]map[int]string{}, names: map[int]string{}, imports: map[string]bool{}}
	w.file, err = parser.ParseFile(w.fset, name, text, parser.ParseComments)
	return w, err
}

func (w *woven) at(pos token.Pos) int { return w.fset.Position(pos).Offset }

// couldImport are the packages that a mistake can use without saying so.
var couldImport = []string{"bufio", "bytes", "errors", "fmt", "io", "os", "slices", "strings", "sync", "sync/atomic", "time", "unicode/utf8", "weblab.example/stage1-single/strict"}

// edit makes one change of the i-th mistake.
func (w *woven) edit(i int, name string, e change) error {
	for _, path := range couldImport {
		if regexp.MustCompile(`(^|[^.\w])`+filepath.Base(path)+`\.[A-Z]`).MatchString(e.is) && !strings.Contains(w.text, `"`+path+`"`) {
			w.imports[path] = true
		}
	}
	if e.was == "" {
		w.more += e.is + "\n"
		return nil
	}
	var words []string // spaces and line ends are all the same
	for _, word := range strings.Fields(e.was) {
		words = append(words, regexp.QuoteMeta(word))
	}
	was, found := regexp.MustCompile(strings.Join(words, `\s+`)), 0
	for _, d := range w.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		end := w.at(f.Name.End())
		text := cmp.Or(w.changed[f][i], w.text[w.at(f.Pos()):w.at(f.Name.Pos())]+fmt.Sprintf("%s_%d", f.Name, i)+w.text[end:w.at(f.End())])
		head := strings.Index(text, "{")
		for _, at := range was.FindAllStringIndex(text[head:], -1) {
			found++
			if w.changed[f] == nil {
				w.changed[f] = map[int]string{}
			}
			w.changed[f][i], w.names[i] = text[:head+at[0]]+e.is+text[head+at[1]:], name
		}
	}
	if found != 1 {
		return fmt.Errorf("has %q %d times in its functions", e.was, found)
	}
	return nil
}

// source is the file with all its mistakes.
func (w *woven) source() []byte {
	out, last := w.text[:w.at(w.file.Name.End())]+"\n", w.at(w.file.Name.End())
	for path := range w.imports {
		out += fmt.Sprintf("import %q\n", path)
	}
	functions := slices.SortedFunc(maps.Keys(w.changed), func(a, b *ast.FuncDecl) int { return int(a.Pos() - b.Pos()) })
	more := w.more
	for _, f := range functions {
		body := w.at(f.Body.Lbrace) + 1
		out += w.text[last:body]
		last = body
		for _, i := range slices.Sorted(maps.Keys(w.changed[f])) {
			out += fmt.Sprintf("\n\tif museumMistake == %q {\n\t\t%s\n\t}\n", w.names[i], call(f, i))
			more += "\n" + w.changed[f][i] + "\n"
		}
	}
	return []byte(out + w.text[last:] + "\n" + more)
}

// call calls the function with the i-th mistake in it from the right one.
func call(f *ast.FuncDecl, i int) string {
	name, args := fmt.Sprintf("%s_%d", f.Name, i), []string{}
	if f.Recv != nil {
		name = f.Recv.List[0].Names[0].Name + "." + name
	}
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			arg := n.Name
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	all := name + "(" + strings.Join(args, ", ") + ")"
	if f.Type.Results == nil {
		return all + "\n\t\treturn"
	}
	return "return " + all
}
