// Bench is the tool of script/bench: it makes material, and measures commands.
//
//	go run ./internal/bench certificates N [FIRST]
//	go run ./internal/bench list N REASON [CA]
//	go run ./internal/bench dirmngr LIST CA
//	go run ./internal/bench measure [-runs 10] [-each 1] [-limit 10m] [-name WORDS] COMMAND [ARGUMENT...]
//
// Certificates prints N self-signed certificates of CAs in PEM, with P-256 keys
// and the numbers from FIRST (0) on in their names.
//
// List prints a revocation list of N entries, DER, each with the reason code REASON,
// or without one where that is 0, and writes its issuer's certificate into the file CA.
// Dirmngr prints what dirmngr --server is told, so that it loads such a list.
//
// Measure prints the medians of some runs of a command: wall time, processor time
// (user and system, of all threads), and the peak of the resident memory, as the
// kernel accounts them to the process and its children. What the command prints
// is thrown away; a run that fails ends the measurement. A command that takes longer
// than the limit is told, and not run again.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 1 && args[0] == "certificates" {
		n, err := strconv.Atoi(args[1])
		first := 0
		if err == nil && len(args) > 2 {
			first, err = strconv.Atoi(args[2])
		}
		if err != nil {
			return err
		}
		return certificates(os.Stdout, first, n)
	}
	if len(args) == 3 && args[0] == "dirmngr" {
		return dirmngrScript(os.Stdout, args[1], args[2])
	}
	if len(args) >= 3 && len(args) <= 4 && args[0] == "list" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		reason, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return revocationList(os.Stdout, n, reason, strings.Join(args[3:], ""))
	}
	if len(args) > 1 && args[0] == "measure" {
		return measure(os.Stdout, args[1:])
	}
	return fmt.Errorf("usage: bench certificates N [FIRST], list N REASON [CA], dirmngr LIST CA, or measure COMMAND")
}
