package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{answerNo{"revoked"}, exitNo},
		{fmt.Errorf("check: %w", answerNo{"revoked"}), exitNo},
		{usagef("--days %d", -1), exitUsage},
		{errors.New("anything else"), exitFailed},
		{withHint(errors.New("x"), "do y"), exitFailed},
	}
	for _, test := range tests {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("exitCode(%v) = %d; want %d", test.err, got, test.want)
		}
	}
}

func TestFinish(t *testing.T) {
	err := withHint(errors.New("no such thing"), "make one")
	var text, object bytes.Buffer
	if code := (&app{stderr: &text}).finish(err, ""); code != exitFailed {
		t.Errorf("finish = %d; want %d", code, exitFailed)
	}
	if want := "keyman: no such thing\n  hint: make one\n"; text.String() != want {
		t.Errorf("text = %q; want %q", text.String(), want)
	}
	(&app{stderr: &object, json: true}).finish(err, "")
	var got struct {
		Error, Hint string
		Exit        int
	}
	if err := json.Unmarshal(object.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Error != "no such thing" || got.Hint != "make one" || got.Exit != exitFailed {
		t.Errorf("JSON = %s", object.String())
	}
}

func TestState(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/xdg")
	if dir, err := (&app{stateDir: "given"}).state(); dir != "given" || err != nil {
		t.Errorf("--state given: %q, %v", dir, err)
	}
	want := "/xdg/keyman"
	if os.Geteuid() == 0 {
		want = "/var/lib/keyman"
	}
	if dir, err := (&app{}).state(); dir != want || err != nil {
		t.Errorf("state = %q, %v; want %q", dir, err, want)
	}
}

func TestPassword(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("KEYMAN_TEST_PASSWORD", "from the environment")
	tests := map[string]struct {
		flags passwordFlags
		stdin string
		want  string
		err   string
	}{
		"file":           {flags: passwordFlags{file: write("one", "first line\nsecond\n")}, want: "first line"},
		"file from DOS":  {flags: passwordFlags{file: write("dos", "first line\r\n")}, want: "first line"},
		"spaces count":   {flags: passwordFlags{file: write("spaces", " a b ")}, want: " a b "},
		"standard input": {flags: passwordFlags{file: "-"}, stdin: "typed\n", want: "typed"},
		"environment":    {flags: passwordFlags{env: "KEYMAN_TEST_PASSWORD"}, want: "from the environment"},
		"no such file":   {flags: passwordFlags{file: filepath.Join(dir, "none")}, err: "no such file"},
		"no such name":   {flags: passwordFlags{env: "KEYMAN_TEST_NOTHING"}, err: "is not set"},
		"line too long":  {flags: passwordFlags{file: write("long", strings.Repeat("x", maxPassword+1))}, err: "longer than"},
		"nobody to ask":  {err: "no terminal"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := &app{stdin: strings.NewReader(test.stdin), stderr: io.Discard}
			got, err := a.password(&test.flags, "the test", false)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v; want one with %q", err, test.err)
				}
				return
			}
			if err != nil || string(got) != test.want {
				t.Errorf("got %d bytes, %v; want %q", len(got), err, test.want)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"CN=gw1, O=Müller 🔑": "CN=gw1, O=Müller 🔑",
		"red \x1b[31m":       `red \x1b[31m`,
		"two\nlines":         `two\nlines`,
		"\u202egnp.exe":      `\u202egnp.exe`,
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q; want %q", in, got, want)
		}
	}
}
