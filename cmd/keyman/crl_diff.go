package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keyman/crl"
)

func newCRLDiffCommand(a *app) *cobra.Command {
	var proxy string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two revocation lists of an issuer",
		Long: `Compare two revocation lists of an issuer, each a file or a URL: which certificates
were added, removed, or are there with another date or reason. With --json every
change is one object on a line.

Exit codes: 0 they revoke the same, 1 they differ, 2 usage, 3 failed.`,
		Example: `  keyman crl diff yesterday.crl today.crl`,
		Args:    cobra.ExactArgs(2),
	}
	addProxyFlag(cmd, &proxy)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var lists [2]*crl.List
		for i, place := range args {
			var err error
			if lists[i], err = a.anyList(cmd.Context(), place, proxy); err != nil {
				return err
			}
		}
		if older, newer := lists[0], lists[1]; (older.DeltaBase != nil) != (newer.DeltaBase != nil) {
			a.warnf("one of them is a delta list, which names only what has changed since its base")
		}
		changes, err := crl.Diff(lists[0], lists[1])
		if err != nil {
			return err
		}
		counts := map[string]int{}
		out := bufio.NewWriter(a.stdout)
		encoder := json.NewEncoder(out)
		for change := range changes {
			counts[change.Kind]++
			if a.json {
				err = encoder.Encode(change)
			} else {
				err = writeChange(out, change)
			}
			if err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if len(counts) == 0 {
			return nil
		}
		return answerNo{fmt.Sprintf("the lists differ: %d added, %d removed, %d changed", counts["added"], counts["removed"], counts["changed"])}
	}
	return cmd
}

// writeChange writes a line with what was and what is.
func writeChange(w io.Writer, c crl.Change) error {
	var parts []string
	for _, e := range []*crl.EntryInfo{c.Old, c.New} {
		if e != nil {
			parts = append(parts, e.Date.Format("2006-01-02 15:04:05 UTC")+" "+e.Reason)
		}
	}
	_, err := fmt.Fprintf(w, "%-7s  %s  %s\n", c.Kind, c.Serial, strings.Join(parts, " -> "))
	return err
}

// lintShown is the JSON of "keyman crl lint".
type lintShown struct {
	File     string            `json:"file"`
	Findings []crl.LintFinding `json:"findings"`
}

func newCRLLintCommand(a *app) *cobra.Command {
	var proxy string
	cmd := &cobra.Command{
		Use:   "lint {FILE | URL}",
		Short: "Look for what a revocation list should not be like",
		Long: `Look for rules of RFC 5280, 5, for those who issue revocation lists, that a list
breaks. Fatal is what the RFC forbids, a warning what it advises against.

Exit codes: 0 nothing fatal, 1 something fatal, 2 usage, 3 the list cannot be
read.`,
		Example: `  keyman crl lint lab.crl`,
		Args:    cobra.ExactArgs(1),
	}
	addProxyFlag(cmd, &proxy)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := a.anyList(cmd.Context(), args[0], proxy)
		if err != nil {
			return err
		}
		shown := lintShown{args[0], append([]crl.LintFinding{}, l.Lint()...)}
		err = a.print(shown, func(w io.Writer) {
			for _, f := range shown.Findings {
				writeWrapped(w, fmt.Sprintf("%-7s  RFC 5280, %-7s  ", f.Severity, f.Clause), printable(f.Text))
			}
			if len(shown.Findings) == 0 {
				fmt.Fprintf(w, "%s breaks no rule of RFC 5280 that is looked for\n", printable(args[0]))
			}
		})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(shown.Findings, func(f crl.LintFinding) bool { return f.Severity == crl.Fatal }) {
			return answerNo{args[0] + " breaks rules of RFC 5280"}
		}
		return nil
	}
	return cmd
}
