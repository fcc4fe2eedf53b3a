package main

import (
	"time"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/keystore"
)

const (
	// selfSignedDays is the lifetime of a self-signed certificate where none is given.
	selfSignedDays = 365
	// maxDays bounds the lifetime of a self-signed certificate.
	maxDays = 7300
	// clockSkew is how far a certificate begins in the past, for peers whose
	// clocks are slow.
	clockSkew = time.Hour
)

func newCertCreateCommand(a *app) *cobra.Command {
	var (
		label     string
		spec      keystore.KeySpec
		days      int
		isDefault bool
	)
	cmd := &cobra.Command{
		Use:   "create --label LABEL --subject NAME",
		Short: "Make a key and a self-signed certificate",
		Long: `Make a private key and a certificate that the key itself signed, for peers that
trust each other's certificates by name. For a certificate from a CA make a
request with "keyman req create". With --ca the certificate is one of a CA itself,
for programs that issue with it; "keyman ca init" founds a CA of keyman's own.`,
		Example: `  keyman cert create --label gw1 --subject "C=CH, O=Example, CN=gw1" \
    --san dns:gw1.example.org --ike --key p256 --days 730
  keyman cert create --label web --subject CN=web --key-usage digitalSignature \
    --ext-key-usage serverAuth,clientAuth`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "the entry's `label`")
	template := addTemplateFlags(cmd)
	cmd.Flags().Var(&spec, "key", "`kind` of key: rsa-BITS, p256, p384, p521, ed25519")
	completeKeys(cmd)
	addDaysFlag(cmd, &days, "days", selfSignedDays, "lifetime in days")
	cmd.Flags().BoolVar(&isDefault, "default", false, "make it the default certificate")
	_ = cmd.MarkFlagRequired("label")
	_ = cmd.MarkFlagRequired("subject")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if days < 1 || days > maxDays {
			return usagef("--days %d: a self-signed certificate lives 1 to %d days", days, maxDays)
		}
		if err := template.read(true); err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		// A label that is taken shows before a key is made.
		if err := store.CheckLabel(label); err != nil {
			return err
		}
		key, err := keystore.GenerateKey(spec)
		if err != nil {
			return err
		}
		a.warnIKEKey(template.given, key)
		now := time.Now()
		certificate, err := csr.SelfSign(template.given, key, csr.Validity{NotBefore: now.Add(-clockSkew), NotAfter: now.AddDate(0, 0, days)})
		if err != nil {
			return err
		}
		if err := store.AddKey(label, key, [][]byte{certificate}); err != nil {
			return err
		}
		return a.saveEntry(cmd.Context(), store, label, isDefault, "created")
	}
	return cmd
}
