package crl_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// exampleLines is how many lines the example of the package's guide has at most.
const exampleLines = 15

// The example in the package's guide is the function that Example runs.
func TestDocExample(t *testing.T) {
	function := exampleFunction(t)
	if n := strings.Count(function, "\n"); n > exampleLines {
		t.Errorf("%d lines, more than %d", n, exampleLines)
	}
	var guide strings.Builder
	for line := range strings.Lines(function) {
		guide.WriteString("//\t" + line)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), guide.String()) {
		t.Errorf("doc.go does not have it as it stands in example_test.go:\n%s", function)
	}
}

// exampleFunction returns the text of the function that the guide shows.
func exampleFunction(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\nfunc mayBeUsed(")
	body, _, ended := strings.Cut(rest, "\n}\n")
	if !found || !ended {
		t.Fatal("no function mayBeUsed in example_test.go")
	}
	return "func mayBeUsed(" + body + "\n}\n"
}

// Another module that imports the package can use the example as it stands.
func TestExampleOutside(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "go")
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// The same requirements, so that nothing has to be downloaded.
	_, requirements, found := strings.Cut(string(goMod), "\n")
	if !found {
		t.Fatal("go.mod has one line")
	}
	for name, content := range map[string]string{
		"go.mod": fmt.Sprintf("module example.org/outside\n%s\nrequire keyman v0.0.0\nreplace keyman => %s\n", requirements, root),
		"go.sum": string(sums),
		"main.go": "package main\n\nimport (\n\t\"context\"\n\t\"encoding/pem\"\n\t\"errors\"\n\t\"fmt\"\n\n\t\"keyman/crl\"\n)\n\n" + exampleFunction(t) + `
func main() {
	checker, err := crl.DefaultSettings().NewChecker()
	if err != nil {
		panic(err)
	}
	fmt.Println(mayBeUsed(context.Background(), checker, nil, nil))
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
	run.Dir = dir
	run.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=")
	out, err := run.CombinedOutput()
	if err != nil || string(out) != "not PEM\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
