package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A version tells which program this is.
type version struct {
	// Version is that of the module, or the revision it was built from.
	Version string `json:"version"`
	// Modified says that the files were not those of the revision.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// newVersionCommand is "keyman version"; "keyman --version" does the same.
func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Tell which keyman this is",
		Example: `  keyman version
  keyman --json version`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	return a.print(thisVersion(), func(w io.Writer) { fmt.Fprintln(w, versionText()) })
}

// thisVersion tells which program runs.
func thisVersion() version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return versionOf(info)
}

// versionText tells it in a line.
func versionText() string {
	v := thisVersion()
	modified := ""
	if v.Modified {
		modified = ", modified"
	}
	return fmt.Sprintf("keyman %s%s (%s, %s)", v.Version, modified, v.Go, v.Platform)
}

// versionOf reads what the compiler has put into a program.
func versionOf(info *debug.BuildInfo) version {
	v := version{Version: info.Main.Version, Go: info.GoVersion, Platform: runtime.GOOS + "/" + runtime.GOARCH}
	unversioned := v.Version == "" || v.Version == "(devel)"
	if unversioned {
		v.Version = "unknown"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && unversioned:
			v.Version = s.Value
		case s.Key == "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
