package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

const (
	// defaultWithin is how long before its end a certificate is due where
	// nothing is said.
	defaultWithin = 30 * 24 * time.Hour
	// maxWithin bounds what can be said: a hundred years.
	maxWithin = 36500 * 24 * time.Hour
)

// A span is a time written in days or hours, such as "30d" or "12h".
type span time.Duration

// String writes a span as Set reads it.
func (s span) String() string {
	if d := time.Duration(s); d%(24*time.Hour) != 0 {
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(time.Duration(s)/(24*time.Hour))) + "d"
}

// Set implements pflag.Value.
func (s *span) Set(text string) error {
	unit := 24 * time.Hour
	number, ok := strings.CutSuffix(text, "d")
	if !ok {
		number, ok = strings.CutSuffix(text, "h")
		unit = time.Hour
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if !ok || err != nil {
		return fmt.Errorf("%q is no time: write one like 30d or 12h", text)
	}
	if n > uint64(maxWithin/unit) {
		return fmt.Errorf("%q is longer than %v", text, span(maxWithin))
	}
	*s = span(time.Duration(n) * unit)
	return nil
}

// Type implements pflag.Value.
func (*span) Type() string { return "time" }

func newCertExpiryCommand(a *app) *cobra.Command {
	within := span(defaultWithin)
	cmd := &cobra.Command{
		Use:   "expiry [--within TIME]",
		Short: "List the certificates that have expired or will soon",
		Long: `List the certificates that have expired or expire within a time, the soonest
first. The exit code is 1 where there is one, and 0 where nothing is due.`,
		Example: `  keyman cert expiry --within 30d --password-file /etc/keyman.pw || mail -s "certificates" admin`,
		Args:    cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().Var(&within, "within", "a `time` in days or hours: 30d, 12h")
	var wide bool
	addWideFlag(cmd, &wide)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		rows, now := []certRow{}, time.Now()
		for _, h := range store.Due(now.Add(time.Duration(within))) {
			rows = append(rows, newCertRow(h, now))
		}
		err = a.print(rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintf(w, "no certificate expires within %v\n", within)
				return
			}
			writeRows(w, rows, wide)
		})
		switch {
		case err != nil || len(rows) == 0:
			return err
		case len(rows) == 1:
			return answerNo{fmt.Sprintf("1 certificate expires within %v", within)}
		default:
			return answerNo{fmt.Sprintf("%d certificates expire within %v", len(rows), within)}
		}
	}
	return cmd
}

// renewalResult is the JSON of "keyman cert needs-renewal".
type renewalResult struct {
	certRow
	NeedsRenewal bool `json:"needs_renewal"`
}

func newCertNeedsRenewalCommand(a *app) *cobra.Command {
	within := span(defaultWithin)
	cmd := &cobra.Command{
		Use:   "needs-renewal LABEL [--within TIME]",
		Short: "Tell whether a certificate has expired or will soon",
		Long: `Tell whether a certificate has expired or expires within a time. The exit code is
0 where it needs to be renewed, 1 where it does not.`,
		Example: `  keyman cert needs-renewal gw1 --password-file F && keyman cert renew gw1 --password-file F --out gw1.csr`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Personal, keystore.Signer)
	cmd.Flags().Var(&within, "within", "a `time` in days or hours: 30d, 12h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := findEntry(store, args[0])
		if err != nil {
			return err
		}
		summary, err := entry.Summary()
		if err != nil {
			return err
		}
		now := time.Now()
		result := renewalResult{newCertRow(entry.Head(), now), summary.EndsBy(now.Add(time.Duration(within)))}
		if !result.NeedsRenewal {
			if a.json {
				if err := a.print(result, nil); err != nil {
					return err
				}
			}
			return answerNo{fmt.Sprintf("%s needs no renewal: it %s", result.Label, result.expires())}
		}
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "%s needs to be renewed: it %s\n", printable(result.Label), result.expires())
		})
	}
	return cmd
}
