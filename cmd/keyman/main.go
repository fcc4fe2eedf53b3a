// Command keyman keeps the keys of IPsec VPNs, makes their certificates, finds
// and checks revocation lists, and negotiates the tunnels that authenticate
// with them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/gskit"
	"keyman/cmd/keyman/internal/ikedbface"
	"keyman/internal/harden"
	"keyman/internal/resident"
)

// gskQuietEnv names the environment variable that leaves out the warnings of
// gskcapicmd, for scripts that take standard error for output.
const gskQuietEnv = "KEYMAN_GSK_QUIET"

func main() {
	// Where that cannot be had, as in some sandboxes, there is nothing better.
	_ = harden.NoCore()
	// All initialisers have run. Where this cannot be had, more stays in memory.
	_ = resident.DropCode()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	args := os.Args[1:]
	if name := filepath.Base(os.Args[0]); gskit.Is(name) || name == ikedbface.Name {
		// Called by one of IBM's names, as through a link.
		args = append([]string{name}, args...)
	}
	code := run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && gskit.Is(args[0]) {
		return runGSKit(ctx, args, stdin, stdout, stderr)
	}
	if own, ok := ikedbface.Own(args); ok {
		return runIkedb(ctx, own, stdin, stdout, stderr)
	}
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, interrupted: ctx.Done(), holding: new(atomic.Bool)}
	root := newRootCommand(a, args)
	root.SetArgs(args)
	var (
		cmd *cobra.Command
		err error
	)
	ended := endSoon(ctx, a.holding.Load, func() {
		if cmd, err = root.ExecuteContextC(ctx); err == nil {
			err = helpForNothing(cmd)
		}
	})
	// A flag that cannot be read hides those behind it.
	wantsJSON := slices.Contains(args, "--json")
	if !ended {
		left := &app{stdout: stdout, stderr: stderr, json: wantsJSON}
		return left.finish(errInterrupted, "")
	}
	a.json = a.json || wantsJSON
	return a.finish(err, cmd.CommandPath()+" --help")
}

// runGSKit executes a command line of gskcapicmd.
func runGSKit(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var code int
	ended := endSoon(ctx, func() bool { return false }, func() {
		code = gskit.Run(ctx, gskit.Invocation{
			Name: args[0], Args: args[1:], Stdin: stdin, Stdout: stdout, Stderr: stderr,
			Version: versionText(), Quiet: os.Getenv(gskQuietEnv) != "",
		})
	})
	if !ended {
		fmt.Fprintf(stderr, "%s: %v\n", args[0], errInterrupted)
		return gskit.Interrupted
	}
	return code
}

// runIkedb executes a command line of AIX's ikedb.
func runIkedb(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var code int
	ended := endSoon(ctx, func() bool { return false }, func() {
		a := &app{}
		code = ikedbface.Run(ctx, ikedbface.Invocation{Args: args, Stdin: stdin, Stdout: stdout, Stderr: stderr, State: a.state})
	})
	if !ended {
		fmt.Fprintf(stderr, "%s: %v\n", ikedbface.Name, errInterrupted)
		return ikedbface.Interrupted
	}
	return code
}
