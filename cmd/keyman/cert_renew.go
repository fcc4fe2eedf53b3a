package main

import (
	"crypto"
	"errors"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/keystore"
)

func newCertRenewCommand(a *app) *cobra.Command {
	var (
		newKey bool
		spec   keystore.KeySpec
		out    string
	)
	cmd := &cobra.Command{
		Use:   "renew LABEL [--new-key]",
		Short: "Make a request for a new certificate of an entry",
		Long: `Make a certificate request for the subject and the names of a personal
certificate, its usages and constraints, with its key or with --new-key for a new
one. What is the CA's to say is not asked for. The request waits under the label
and " (renewal)"; the certificate stays in use until "keyman cert receive" takes
the new one, which then has its place: its label and its mark of the default.`,
		Example: `  keyman cert renew gw1 --out gw1.csr
  keyman cert receive gw1.pem`,
		Args: cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Personal)
	cmd.Flags().BoolVar(&newKey, "new-key", false, "with a new key, of the same kind where --key says nothing")
	cmd.Flags().Var(&spec, "key", "`kind` of the new key: rsa-BITS, p256, p384, p521, ed25519")
	completeKeys(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the request to this `file` (PEM)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("key") && !newKey {
			return usagef("--key is the kind of a new key: add --new-key")
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := findEntry(store, args[0])
		if err != nil {
			return err
		}
		template, left, err := templateOf(store, entry.Label)
		if err != nil {
			return err
		}
		a.warnLeft(entry.Label, left)
		var key crypto.Signer
		if newKey {
			if !cmd.Flags().Changed("key") {
				if spec, err = kindOfKey(entry); err != nil {
					return err
				}
			}
			if key, err = keystore.GenerateKey(spec); err != nil {
				return err
			}
		}
		request, err := store.Renew(entry.Label, key, func(key crypto.Signer) ([]byte, error) { return csr.Create(template, key) })
		if errors.Is(err, keystore.ErrDuplicateLabel) {
			return withHint(err, "a renewal waits already: keyman req show writes its request again, and keyman cert delete gives it up")
		}
		if err != nil {
			return err
		}
		return a.saveRequest(cmd.Context(), store, request.Label, request.Request, out)
	}
	return cmd
}

// kindOfKey returns the kind of key that a certificate has, for another one like
// it. A key that is too small to be made today is an error.
func kindOfKey(entry keystore.Entry) (keystore.KeySpec, error) {
	leaf, err := entry.Leaf()
	if err != nil {
		return keystore.KeySpec{}, err
	}
	spec, err := keystore.ParseKeySpec(csr.KeyName(leaf.PublicKey))
	if err != nil {
		return spec, withHint(err, "choose one with --key")
	}
	return spec, nil
}
