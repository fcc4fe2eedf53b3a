// Bench is the tool of script/bench: it makes material, and measures commands.
//
//	go run ./internal/bench certificates N [FIRST]
//	go run ./internal/bench list N REASON
//	go run ./internal/bench measure [-runs 10] [-each 1] [-name WORDS] COMMAND [ARGUMENT...]
//
// Certificates prints N self-signed certificates of CAs in PEM, with P-256 keys
// and the numbers from FIRST (0) on in their names.
//
// List prints a revocation list of N entries, DER, each with the reason code REASON,
// or without one where that is 0.
//
// Measure prints the medians of some runs of a command: wall time, processor time
// (user and system, of all threads), and the peak of the resident memory, as the
// kernel accounts them to the process and its children. What the command prints
// is thrown away; a run that fails ends the measurement.
package main

import (
	"fmt"
	"os"
	"strconv"
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
	if len(args) == 3 && args[0] == "list" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		reason, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return revocationList(os.Stdout, n, reason)
	}
	if len(args) > 1 && args[0] == "measure" {
		return measure(os.Stdout, args[1:])
	}
	return fmt.Errorf("usage: bench certificates N [FIRST], or bench measure COMMAND")
}
