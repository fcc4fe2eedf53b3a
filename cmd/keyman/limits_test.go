package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLimitsAreThere looks up every name in docs/limits.md: a constant, a field or
// a type of the package that is named before it, or a setting.
func TestLimitsAreThere(t *testing.T) {
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, "docs", "limits.md"))
	if err != nil {
		t.Fatal(err)
	}
	packages := sourcePackages(t, root)
	code := regexp.MustCompile("`([^`]+)`")
	checked := 0
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 3 {
			continue
		}
		var here *sourcePackage
		for _, match := range code.FindAllStringSubmatch(cells[2], -1) {
			name := match[1]
			if p := packages[name]; p != nil {
				here = p
				continue
			}
			if before, after, ok := strings.Cut(name, "."); ok && packages[before] != nil {
				here, name = packages[before], after
			}
			checked++
			switch last := name[strings.LastIndex(name, ".")+1:]; {
			case here == nil:
				t.Errorf("%q: no package is named before it", name)
			case strings.ContainsAny(last, "-_"):
				if !packages.hasSetting(last) {
					t.Errorf("there is no setting %q", last)
				}
			case !here.names[last]:
				t.Errorf("%s has no %s", here.dir, name)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d names were found", checked)
	}
}

// A sourcePackage is what a folder with source declares.
type sourcePackage struct {
	dir     string
	names   map[string]bool // of constants, variables, types and fields
	strings []string        // literals and tags
}

// A sourceTree has packages by their paths in the module, and by the last element
// of those.
type sourceTree map[string]*sourcePackage

func (tree sourceTree) hasSetting(name string) bool {
	for _, p := range tree {
		for _, s := range p.strings {
			if strings.Contains(s, `"`+name) {
				return true
			}
		}
	}
	return false
}

func sourcePackages(t *testing.T, root string) sourceTree {
	t.Helper()
	tree := sourceTree{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && name != "..") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		p := tree[dir]
		if p == nil {
			p = &sourcePackage{dir: dir, names: map[string]bool{}}
			tree[dir], tree[filepath.Base(dir)] = p, p
		}
		p.declare(file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// declare notes what a file declares.
func (p *sourcePackage) declare(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for _, name := range n.Names {
				p.names[name.Name] = true
			}
		case *ast.TypeSpec:
			p.names[n.Name.Name] = true
		case *ast.Field:
			for _, name := range n.Names {
				p.names[name.Name] = true
			}
		case *ast.BasicLit:
			p.strings = append(p.strings, n.Value)
		}
		return true
	})
}
