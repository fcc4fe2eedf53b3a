package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl/certpath"
	"keyman/keystore"
)

func newCertAddCommand(a *app) *cobra.Command {
	var (
		label   string
		trusted bool
	)
	cmd := &cobra.Command{
		Use:   "add FILE",
		Short: "Add certificates of CAs, as trusted",
		Long: `Add the certificates of a PEM or DER file, usually those of CAs. They are trusted:
chains may end at them, and certificates that they issued are accepted. With
--trusted=false they only help to build chains.`,
		Example: `  keyman cert add ca.pem --label "Example CA"
  keyman cert add intermediate.pem --trusted=false`,
		Args: cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "`label` of the one certificate in the file (default: its common name)")
	cmd.Flags().BoolVar(&trusted, "trusted", true, "trust them; --trusted=false does not")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := readCertificateFile(args[0])
		if err != nil {
			return err
		}
		if label != "" && len(list) > 1 {
			return usagef("--label names one certificate, and %s holds %d", args[0], len(list))
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		var (
			results   []certResult
			duplicate error
		)
		for i, der := range list {
			entry, err := a.addSigner(store, label, der, trusted)
			switch {
			case errors.Is(err, keystore.ErrDuplicateCertificate):
				duplicate = err
			case err != nil:
				return fmt.Errorf("%s: certificate %d: %w", args[0], i+1, err)
			default:
				results = append(results, newCertResult(entry))
			}
		}
		if len(results) == 0 {
			return duplicate
		}
		if err := store.Save(cmd.Context()); err != nil {
			return err
		}
		return a.print(results, func(w io.Writer) {
			for _, r := range results {
				fmt.Fprintf(w, "added %s: %s (%s)\n", printable(r.Label), printable(r.Subject), r.trust())
			}
		})
	}
	return cmd
}

// addSigner adds one certificate; label may be "".
func (a *app) addSigner(store *keystore.Store, label string, der []byte, trusted bool) (keystore.Entry, error) {
	if label == "" {
		label = store.LabelFor(der)
	}
	entry, err := store.AddSigner(label, der, trusted)
	if err == nil && trusted {
		a.warnUnlessCA(store, entry.Label)
	}
	return entry, err
}

func newCertReceiveCommand(a *app) *cobra.Command {
	var (
		label     string
		isDefault bool
	)
	cmd := &cobra.Command{
		Use:   "receive FILE",
		Short: "Receive the certificate that a CA issued for a request",
		Long: `Take the certificate that a CA issued for a request of this key database, from a
PEM or DER file. The request is found by its key and becomes a personal
certificate. A path to a CA that the key database trusts already must be valid by
RFC 5280, 6.1, without revocation; keyman cert validate asks for that, too. The CAs
of this path that are in the file are added, without trust.`,
		Example: `  keyman cert receive gw1.pem --default`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "a new `label` (default: that of the request)")
	cmd.Flags().BoolVar(&isDefault, "default", false, "make it the default certificate")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := readCertificateFile(args[0])
		if err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := store.Receive(list, label, certpath.Between)
		if err != nil {
			return err
		}
		if leaf, err := entry.Leaf(); err == nil {
			if now := time.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
				a.warnf("the certificate is of no use now: %s", validityText(leaf.NotBefore, leaf.NotAfter, now))
			}
		}
		return a.saveEntry(cmd.Context(), store, entry.Label, isDefault, "received")
	}
	return cmd
}

// saveEntry saves a store after a change of one entry, and prints the entry.
func (a *app) saveEntry(ctx context.Context, store *keystore.Store, label string, isDefault bool, done string) error {
	if isDefault {
		if err := store.SetDefault(label); err != nil {
			return err
		}
	}
	if err := store.Save(ctx); err != nil {
		return err
	}
	entry, err := findEntry(store, label)
	if err != nil {
		return err
	}
	result := newCertResult(entry)
	return a.print(result, func(w io.Writer) {
		if result.Subject == "" {
			fmt.Fprintf(w, "%s %s\n", done, printable(result.Label))
			return
		}
		fmt.Fprintf(w, "%s %s: %s\n", done, printable(result.Label), printable(result.Subject))
	})
}
