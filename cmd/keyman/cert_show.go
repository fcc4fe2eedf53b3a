package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// certShown is the JSON of "keyman cert show".
type certShown struct {
	Label   string        `json:"label"`
	Kind    keystore.Kind `json:"kind"`
	Default bool          `json:"default"`
	Trusted bool          `json:"trusted"`
	certInfo
	Chain []string `json:"chain"` // subjects above the certificate
}

func newCertShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show LABEL",
		Short:   "Show a certificate in words",
		Example: `  keyman cert show gw1`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Personal, keystore.Signer)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := findEntry(store, args[0])
		if err != nil {
			return err
		}
		if len(entry.Chain) == 0 {
			_, err := entry.Leaf()
			return err
		}
		info, err := newCertInfo(entry.Chain[0], time.Now())
		if err != nil {
			return fmt.Errorf("%q: %w", entry.Label, err)
		}
		shown := certShown{
			Label: entry.Label, Kind: entry.Kind, Default: entry.Default, Trusted: entry.Trusted,
			certInfo: info, Chain: []string{},
		}
		for _, der := range entry.Chain[1:] {
			shown.Chain = append(shown.Chain, subjectOf(der))
		}
		return a.print(shown, func(w io.Writer) {
			mark := ""
			if entry.Default {
				mark += ", default"
			}
			if entry.Trusted {
				mark += ", trusted"
			}
			fmt.Fprintf(w, "%s (%v%s)\n", printable(entry.Label), entry.Kind, mark)
			shown.write(w)
			for _, subject := range shown.Chain {
				fmt.Fprintf(w, "issued below %s\n", printable(subject))
			}
		})
	}
	return cmd
}

// findEntry looks an entry up by its label.
func findEntry(store *keystore.Store, label string) (keystore.Entry, error) {
	entry, ok := store.Lookup(label)
	if !ok {
		return entry, &keystore.EntryError{Label: label, Err: keystore.ErrNotFound}
	}
	return entry, nil
}
