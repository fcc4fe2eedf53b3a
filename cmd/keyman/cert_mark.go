package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

func newCertTrustCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust LABEL {on | off}",
		Short: "Trust the certificate of a CA, or cease to",
		Long: `Trust a CA whose certificate is in the key database: chains may end at it, and
certificates that it issued are accepted. Without trust the certificate only
helps to build chains. A running daemon goes on with the CAs that it began with.`,
		Example: `  keyman cert trust "Example CA" on`,
		Args:    cobra.ExactArgs(2),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Signer)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		trusted := args[1] == "on"
		if !trusted && args[1] != "off" {
			return usagef("cert trust: %q is neither on nor off", args[1])
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		if err := store.SetTrusted(args[0], trusted); err != nil {
			return err
		}
		if trusted {
			a.warnUnlessCA(store, args[0])
			return a.saveEntry(cmd.Context(), store, args[0], false, "trusted from now on is")
		}
		return a.saveEntry(cmd.Context(), store, args[0], false, "no longer trusted is")
	}
	return cmd
}

// warnUnlessCA tells what trust in a certificate that is not that of a CA means.
func (a *app) warnUnlessCA(store *keystore.Store, label string) {
	entry, ok := store.Lookup(label)
	if !ok {
		return
	}
	if leaf, err := entry.Leaf(); err == nil && !leaf.IsCA {
		a.warnf("%s is not the certificate of a CA: it is trusted for itself alone", printable(entry.Label))
	}
}

func newCertDefaultCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "default [LABEL]",
		Short: "Show the default certificate, or choose another one",
		Long: `The default certificate is the personal one that is used where none is named: the
one that was chosen, or else the only one there is. Without a label it is shown;
the exit code is 1 where there is none.`,
		Example: `  keyman cert default
  keyman cert default gw1`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Personal)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return a.saveEntry(cmd.Context(), store, args[0], true, "default from now on is")
		}
		entry, ok := store.Default()
		if !ok {
			return answerNo{"there is no default certificate"}
		}
		result := newCertResult(entry)
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "%s: %s\n", printable(result.Label), printable(result.Subject))
		})
	}
	return cmd
}

func newCertRenameCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Give an entry another label",
		Long: `Give an entry another label. What names the entry by its old one, such as a
tunnel in tunnels.toml, is not changed with it.`,
		Example: `  keyman cert rename gw1 "gateway 1"`,
		Args:    cobra.ExactArgs(2),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		if err := store.Rename(args[0], args[1]); err != nil {
			return err
		}
		return a.saveEntry(cmd.Context(), store, args[1], false, "renamed "+printable(args[0])+" to")
	}
	return cmd
}
