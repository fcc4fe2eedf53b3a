package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// stateEnv names the environment variable with the state directory of a script.
const stateEnv = "KEYMAN_TEST_STATE"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keyman": func() {
		// Root's state directory is that of the machine, which no test may
		// touch. A --state in the script comes later and wins.
		os.Args = slices.Insert(os.Args, 1, "--state", os.Getenv(stateEnv))
		main()
	}})
}

// TestScript runs the command line as a person does: each file in
// testdata/script is a session of its own, with an empty home and state
// directory. What "exec openssl" and the like need, a script asks for with
// [exec:openssl].
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv(stateEnv, filepath.Join(env.WorkDir, "state", "keyman"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
			return nil
		},
	})
}
