package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"keyman/certinfo"
	"keyman/keystore"
)

// newCertCommand is "keyman cert".
func newCertCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cert",
		Short: "The certificates of a key database",
		Long: `Certificates live in a key database under labels; upper and lower case of a label
do not count. A personal certificate has its private key beside it. A signer is
the certificate of a CA; one that is trusted is where chains may end.`,
	}
	cmd.AddCommand(
		newCertCreateCommand(a), newCertListCommand(a), newCertShowCommand(a), newCertAddCommand(a), newCertPopulateCommand(a),
		newCertReceiveCommand(a), newCertImportCommand(a), newCertExportCommand(a), newCertExportKeyCommand(a), newCertTrustCommand(a), newCertDefaultCommand(a),
		newCertRenameCommand(a), newCertDeleteCommand(a), newCertExpiryCommand(a), newCertNeedsRenewalCommand(a),
		newCertRenewCommand(a), newCertCompareCommand(a), newCertValidateCommand(a),
	)
	return cmd
}

// certRow is a line of "keyman cert list".
type certRow struct {
	Label    string        `json:"label"`
	Kind     keystore.Kind `json:"kind"`
	Default  bool          `json:"default"`
	Trusted  bool          `json:"trusted"`
	Subject  string        `json:"subject,omitempty"`
	NotAfter time.Time     `json:"not_after,omitzero"`
	DaysLeft *int          `json:"days_left,omitempty"` // negative where it has expired
	Error    string        `json:"error,omitempty"`     // why the certificate cannot be used

	common   string // the most specific name of the subject
	validity *certinfo.Validity
}

// newCertRow describes an entry by its head.
func newCertRow(h keystore.Head, now time.Time) certRow {
	row := certRow{Label: h.Label, Kind: h.Kind, Default: h.Default, Trusted: h.Trusted}
	if h.Kind == keystore.SecretKey {
		return row
	}
	brief, err := h.Brief()
	if err != nil {
		row.Error = err.Error()
		return row
	}
	if brief.Unusable != nil {
		row.Error = brief.Unusable.Error()
	}
	row.Subject, row.common = nameTexts(brief.Subject)
	row.validity = &certinfo.Validity{NotBefore: brief.NotBefore, NotAfter: brief.NotAfter, Now: now}
	if row.NotAfter = brief.NotAfter; !row.NotAfter.IsZero() {
		left := row.validity.DaysLeft()
		row.DaysLeft = &left
	}
	return row
}

// expires says in words how long the certificate is good.
func (r certRow) expires() string {
	if r.validity == nil {
		return "has no certificate that can be read"
	}
	return r.validity.String()
}

// flags returns the marks of the list: as many characters as there can be.
func (r certRow) flags() string {
	flags := ""
	if r.Default {
		flags += "*"
	}
	switch {
	case r.Kind == keystore.Personal:
		flags += "-"
	case r.Kind == keystore.SecretKey:
		flags += "#"
	case r.Trusted:
		flags += "!"
	}
	if r.Error != "" {
		flags += "?"
	}
	return flags
}

// cells returns the row of a table.
func (r certRow) cells() []cell {
	row := []cell{{text: r.flags()}, {text: r.Label}, {text: r.Subject, short: r.common}, {}, {}}
	if r.validity != nil {
		row[4] = leftCell(*r.validity)
		if !r.NotAfter.IsZero() {
			row[3].text = r.NotAfter.UTC().Format(time.DateOnly)
		}
	}
	return row
}

// writeRows prints rows as a table.
func writeRows(w io.Writer, rows []certRow, wide bool) {
	unusable := ""
	if slices.ContainsFunc(rows, func(r certRow) bool { return r.Error != "" }) {
		unusable = ", ? not usable (cert show: why)"
	}
	fmt.Fprintln(w, "* default, - personal, ! trusted, # secret key"+unusable)
	t := table{columns: certColumns(), wide: wide, rows: make([][]cell, 0, len(rows))}
	for _, r := range rows {
		t.rows = append(t.rows, r.cells())
	}
	t.write(w)
}

func newCertListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List certificates: * default, - personal, ! trusted, # secret key",
		Long: `List certificates and secret keys in a table of 80 columns, or as wide as the
terminal. What is too long for it is shortened with dots: a label in its middle, a
subject to its common name. --wide shortens nothing, and --json has everything.

The marks: * the default, - personal (with its private key), ! trusted, # a secret
key, ? a certificate that keyman cannot use; "keyman cert show" says why.`,
		Example: `  keyman cert list --password-env PW
  keyman --json cert list --keydb ikekey.kdb --password-file F`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	var wide bool
	addWideFlag(cmd, &wide)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		rows, now := make([]certRow, 0, store.Len()), time.Now()
		for h := range store.Heads() {
			if h.Kind != keystore.Request {
				rows = append(rows, newCertRow(h, now))
			}
		}
		return a.print(rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintln(w, "no certificates")
				return
			}
			writeRows(w, rows, wide)
		})
	}
	return cmd
}

// certResult is what the commands that change one entry print.
type certResult struct {
	Label   string        `json:"label"`
	Kind    keystore.Kind `json:"kind"`
	Subject string        `json:"subject,omitempty"`
	Trusted bool          `json:"trusted"`
	Default bool          `json:"default"`
}

// trust says in words whether it is trusted.
func (r certResult) trust() string {
	if r.Trusted {
		return "trusted"
	}
	return "not trusted"
}

// certResults describes entries; none is an empty list.
func certResults(entries []keystore.Entry) []certResult {
	list := make([]certResult, 0, len(entries))
	for _, e := range entries {
		list = append(list, newCertResult(e))
	}
	return list
}

func newCertResult(e keystore.Entry) certResult {
	r := certResult{Label: e.Label, Kind: e.Kind, Trusted: e.Trusted, Default: e.Default}
	if summary, err := e.Summary(); err == nil {
		r.Subject = nameText(summary.Subject)
	}
	return r
}

func newCertDeleteCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "delete LABEL",
		Short: "Delete an entry, with its private key where it has one",
		Long: `Delete an entry, with its private key where it has one. The key is still in the
kept generations of the key database, from which "keyman keydb undo" brings it
back; "keyman keydb undo --forget" removes those.`,
		Example: `  keyman cert delete gw1
  keyman cert delete "Old CA" --force`,
		Args: cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags)
	cmd.Flags().BoolVar(&force, "force", false, "delete a CA certificate also where others chain to it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, _ := store.Lookup(args[0]) // Delete says whether it is there
		if err := store.Delete(args[0], force); err != nil {
			return err
		}
		if err := store.Save(cmd.Context()); err != nil {
			return err
		}
		return a.print(newCertResult(entry), func(w io.Writer) {
			fmt.Fprintf(w, "deleted %s\n", printable(entry.Label))
		})
	}
	return cmd
}
