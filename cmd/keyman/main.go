// Command keyman keeps the keys of IPsec VPNs, makes their certificates, finds
// and checks revocation lists, and negotiates the tunnels that authenticate
// with them.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"keyman/internal/harden"
)

func main() {
	// Where that cannot be had, as in some sandboxes, there is nothing better.
	_ = harden.NoCore()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, interrupted: ctx.Done()}
	root := newRootCommand(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = helpForNothing(cmd)
	}
	// A flag that cannot be read hides those behind it.
	a.json = a.json || slices.Contains(args, "--json")
	return a.finish(err, cmd.CommandPath()+" --help")
}
