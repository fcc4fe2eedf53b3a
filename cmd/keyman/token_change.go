package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/internal/certpem"
	"keyman/keystore"
	"keyman/keystore/pkcs11"
)

// printTokenEntry prints what a command has made.
func (a *app) printTokenEntry(e tokenEntry, done string) error {
	return a.print(e, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s (%s)\n", done, printable(e.Label), e.kind())
		if e.Subject != "" {
			fmt.Fprintf(w, "  subject  %s\n", printable(e.Subject))
		}
		fmt.Fprintf(w, "  tunnels name it  %s\n", printable(e.URI))
		if e.Out != "" {
			fmt.Fprintf(w, "  written  %s\n", printable(e.Out))
		}
	})
}

func newTokenGenerateCommand(a *app) *cobra.Command {
	var spec keystore.KeySpec
	cmd := &cobra.Command{
		Use:   "generate LABEL",
		Short: "Make a private key on the token, where it stays",
		Example: `  keyman token generate gw1 --token vpn --key rsa-3072
  keyman token request gw1 --token vpn --subject "C=CH, O=Example, CN=gw1" --ike --out gw1.csr`,
		Args: cobra.ExactArgs(1),
	}
	flags := addTokenFlags(cmd)
	cmd.Flags().Var(&spec, "key", "`kind` of key: rsa-BITS, p256, p384, p521")
	completeWords(cmd, "key", "rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.onToken(cmd.Context(), flags, args[0], func(token *pkcs11.Token, u pkcs11.URI) error {
			entry, err := token.Generate(u.Object, spec)
			if err != nil {
				return err
			}
			return a.printTokenEntry(newTokenEntry(token, u, entry), "generated")
		})
	}
	return cmd
}

func newTokenRequestCommand(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "request LABEL {--subject DN | --san KIND:NAME} --out FILE",
		Short: "Make a certificate request for a key of the token",
		Example: `  keyman token request gw1 --token vpn --subject "C=CH, O=Example, CN=gw1" \
    --san dns:gw1.example.org --ike --out gw1.csr`,
		Args: cobra.ExactArgs(1),
	}
	flags := addTokenFlags(cmd)
	template := addTemplateFlags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the request to this `file` (PEM)")
	cmd.MarkFlagsOneRequired("subject", "san")
	_ = cmd.MarkFlagRequired("out")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := template.read(true); err != nil {
			return err
		}
		return a.onToken(cmd.Context(), flags, args[0], func(token *pkcs11.Token, u pkcs11.URI) error {
			entry, err := token.Lookup(u)
			if err != nil {
				return err
			}
			signer, err := token.Signer(entry)
			if err != nil {
				return err
			}
			a.warnIKEKey(template.given, signer)
			der, err := csr.Create(template.given, signer)
			if err != nil {
				return err
			}
			if err := writePublic(out, certpem.Encode(csr.PEMType, der)); err != nil {
				return err
			}
			shown := newTokenEntry(token, u, entry)
			shown.Out = out
			return a.printTokenEntry(shown, "made a request for")
		})
	}
	return cmd
}

func newTokenAddCommand(a *app) *cobra.Command {
	var label string
	cmd := &cobra.Command{
		Use:   "add FILE",
		Short: "Store certificates on the token, each beside its key",
		Long: `Store the certificates of a PEM or DER file on the token. One whose key is there
gets its label and its id; others stand by themselves, and help to build chains.
Nothing on a token is trusted: trust is a matter of the key database.`,
		Example: `  keyman token add gw1.pem --token vpn`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addTokenFlags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "`label` of the one certificate, where its key is not on the token (default: its common name)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := readCertificateFile(args[0])
		if err != nil {
			return err
		}
		if label != "" && len(list) > 1 {
			return usagef("--label names one certificate, and %s holds %d", args[0], len(list))
		}
		return a.onToken(cmd.Context(), flags, "", func(token *pkcs11.Token, u pkcs11.URI) error {
			rows := []tokenEntry{}
			for i, der := range list {
				entry, err := token.AddCertificate(label, der)
				if err != nil {
					return fmt.Errorf("%s: certificate %d: %w", args[0], i+1, err)
				}
				rows = append(rows, newTokenEntry(token, u, entry))
			}
			return a.print(rows, func(w io.Writer) {
				for _, r := range rows {
					fmt.Fprintf(w, "added %s (%s)\n", printable(r.Label), r.kind())
				}
			})
		})
	}
	return cmd
}

func newTokenImportCommand(a *app) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "import LABEL",
		Short: "Put a copy of a key of the key database on the token",
		Long: `Put a copy of a private key of the key database, with its certificate, on the
token. The key stays in the key database too, until "keyman cert delete" removes
it; a key that was ever in a file is as safe as that file was.`,
		Example: `  keyman token import gw1 --token vpn --password-file keydb.pw --pin-file token.pin`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addTokenFlags(cmd)
	keydb := addKeydbFlags(cmd)
	cmd.Flags().StringVar(&as, "as", "", "`label` on the token (default: that in the key database)")
	cmd.ValidArgsFunction = a.completeLabels(keydb, keystore.Personal, keystore.Request)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := oneStdinPIN(flags.pin, keydb.password); err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), keydb)
		if err != nil {
			return err
		}
		return a.importToToken(cmd.Context(), store, flags, args[0], as)
	}
	return cmd
}

func (a *app) importToToken(ctx context.Context, store *keystore.Store, flags *tokenFlags, label, as string) error {
	entry, err := findEntry(store, label)
	if err != nil {
		return err
	}
	key, err := store.ExportKey(label, keystore.KeyExport{Form: keystore.KeyDER, Plain: true})
	if err != nil {
		return err
	}
	defer clear(key)
	if as == "" {
		as = entry.Label
	}
	var certificate []byte
	if len(entry.Chain) > 0 {
		certificate = entry.Chain[0]
	}
	return a.onToken(ctx, flags, "", func(token *pkcs11.Token, u pkcs11.URI) error {
		made, err := token.Import(as, key, certificate)
		if err != nil {
			return err
		}
		return a.printTokenEntry(newTokenEntry(token, u, made), "imported")
	})
}

func newTokenDeleteCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete LABEL",
		Short: "Delete a key of the token with its certificate; there is no undo",
		Example: `  keyman token delete gw1 --token vpn
  keyman token delete "pkcs11:token=vpn;id=%01%02"`,
		Args: cobra.ExactArgs(1),
	}
	flags := addTokenFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.onToken(cmd.Context(), flags, args[0], func(token *pkcs11.Token, u pkcs11.URI) error {
			if err := needObject(u); err != nil {
				return err
			}
			entry, err := token.Lookup(u)
			if err != nil {
				return err
			}
			if err := token.Delete(u); err != nil {
				return err
			}
			return a.print(newTokenEntry(token, u, entry), func(w io.Writer) {
				fmt.Fprintf(w, "deleted %s\n", printable(entry.Label))
			})
		})
	}
	return cmd
}
