package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	built := func(module string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: module}, Settings: settings}
	}
	tests := map[string]struct {
		info     *debug.BuildInfo
		version  string
		modified bool
	}{
		"a release":    {built("v1.2.3", debug.BuildSetting{Key: "vcs.revision", Value: revision}), "v1.2.3", false},
		"a checkout":   {built("(devel)", debug.BuildSetting{Key: "vcs.revision", Value: revision}), revision, false},
		"with changes": {built("", debug.BuildSetting{Key: "vcs.revision", Value: revision}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), revision, true},
		"neither":      {built(""), "unknown", false},
	}
	for name, test := range tests {
		want := version{Version: test.version, Modified: test.modified, Go: "go1.26.0", Platform: runtime.GOOS + "/" + runtime.GOARCH}
		if got := versionOf(test.info); got != want {
			t.Errorf("%s: %+v; want %+v", name, got, want)
		}
	}
}
