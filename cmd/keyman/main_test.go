package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"keyman/internal/testpeer"
	"keyman/keystore/pkcs11"
)

// stateEnv names the environment variable with the state directory of a script.
const stateEnv = "KEYMAN_TEST_STATE"

func TestMain(m *testing.M) {
	programs := map[string]func(){"keyman": func() {
		// Root's state directory is that of the machine, which no test may
		// touch. A --state in the script comes later and wins.
		os.Args = slices.Insert(os.Args, 1, "--state", os.Getenv(stateEnv))
		main()
	}}
	// keyman in the clothes of gskcapicmd, by some of its names.
	for _, name := range []string{"gskcapicmd", "gsk8capicmd_64", "gsk7cmd", "runmqakm", "runmqckm"} {
		programs[name] = main
	}
	programs["ikedb"] = main
	testscript.Main(m, programs)
}

// TestScript runs the command line as a person does: each file in
// testdata/script is a session of its own, with an empty home and state
// directory. What it needs of other programs a script asks for with a condition
// such as [peer:openssl], which fails where peers are required and it is absent. In
// short mode only those run that have goroutines to watch: see testpeer.Long.
func TestScript(t *testing.T) {
	wanted := []string{"*"}
	if testing.Short() {
		wanted = []string{"ike*", "crl*", "demo"}
	}
	var files []string
	for _, name := range wanted {
		found, err := filepath.Glob(filepath.Join("testdata", "script", name+".txtar"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no scripts %s: %v", name, err)
		}
		files = append(files, found...)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"expire": expire},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "keyring":
				return hasKeyring(), nil
			case "pkcs11":
				_, err := pkcs11.Tokens(t.Context(), "")
				return !errors.Is(err, pkcs11.ErrNotBuilt), nil
			}
			name, ok := strings.CutPrefix(cond, "peer:")
			if !ok {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			if testpeer.Program(name) != "" {
				return true, nil
			}
			if os.Getenv(testpeer.RequireEnv) != "" {
				return false, fmt.Errorf("%s is not installed, and %s is set", name, testpeer.RequireEnv)
			}
			return false, nil
		},
		Setup: func(env *testscript.Env) error {
			// With the race detector a program sleeps for a second before it ends,
			// and a script starts many.
			env.Setenv("GORACE", "atexit_sleep_ms=10 "+os.Getenv("GORACE"))
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
