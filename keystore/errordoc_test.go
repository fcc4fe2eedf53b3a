package keystore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestErrorsAreDocumented demands that the text of every sentinel error that a
// user of a key database can meet stands in docs/errors.md.
func TestErrorsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, dir := range []string{".", "format", "kdb", "../internal/atomicfile", "../internal/keyring", "pkcs11"} {
		for name, text := range sentinels(t, dir) {
			found++
			if !strings.Contains(string(page), "`"+text) && !forPrograms[name] {
				t.Errorf("docs/errors.md does not explain %s of %s: %q", name, dir, text)
			}
		}
	}
	if found < len(remedies()) {
		t.Errorf("only %d errors were found, and %d have hints", found, len(remedies()))
	}
}

// forPrograms are errors that the command line makes sure not to cause, or says in
// words of its own.
var forPrograms = map[string]bool{"ErrSecret": true, "ErrFor": true}

// sentinels returns the errors that a package declares by errors.New, by name.
func sentinels(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				value := spec.(*ast.ValueSpec)
				if text, ok := newError(value); ok && ast.IsExported(value.Names[0].Name) {
					texts[value.Names[0].Name] = text
				}
			}
		}
	}
	return texts
}

// newError returns the text of a variable that is set by errors.New.
func newError(value *ast.ValueSpec) (string, bool) {
	if len(value.Values) != 1 {
		return "", false
	}
	call, ok := value.Values[0].(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	called, ok := call.Fun.(*ast.SelectorExpr)
	literal, isLiteral := call.Args[0].(*ast.BasicLit)
	if !ok || !isLiteral || called.Sel.Name != "New" {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
