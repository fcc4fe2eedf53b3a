package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/outfile"
	"keyman/keystore"
)

// exportedKey is the JSON of "keyman cert export-key".
type exportedKey struct {
	Label     string `json:"label"`
	Form      string `json:"form"`
	Encrypted bool   `json:"encrypted"`
	File      string `json:"file"`
}

func newCertExportKeyCommand(a *app) *cobra.Command {
	var (
		form, out string
		plain     bool
	)
	cmd := &cobra.Command{
		Use:   "export-key LABEL --out FILE",
		Short: "Write a private key to a file of its own",
		Long: `Write the private key of an entry to a new file, mode 0600, for a program that
wants it there: as PKCS#8 in PEM or DER, encrypted under a password of its own, or
with --unencrypted as it is. The traditional form, "BEGIN RSA PRIVATE KEY" and "BEGIN
EC PRIVATE KEY", is for old programs; it is never encrypted, and says so in words:
--form traditional --unencrypted. A key database with the key, its certificate and
the chain is what "keyman cert export --to" writes.`,
		Example: `  keyman cert export-key gw1 --out gw1.key
  keyman cert export-key gw1 --out gw1.key --form traditional --unencrypted`,
		Args: cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Personal, keystore.Request)
	password := addPasswordFlags(cmd, "target-", "the password of the file")
	addForm(cmd, &form, "`form` of the key", formPEM, formDER, formTraditional)
	cmd.Flags().StringVar(&out, "out", "", "write the key to this `file`")
	addUnencrypted(cmd, &plain)
	_ = cmd.MarkFlagRequired("out")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if form == formTraditional && !plain {
			return usagef("--form traditional cannot be encrypted: if that is meant, add --unencrypted")
		}
		if err := oneStdin(flags.password, password); err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := findEntry(store, args[0])
		if err != nil {
			return err
		}
		o := keystore.KeyExport{Plain: plain, Form: map[string]keystore.KeyForm{
			formPEM: keystore.KeyPEM, formDER: keystore.KeyDER, formTraditional: keystore.KeyTraditional,
		}[form]}
		if entry.Kind == keystore.Signer {
			return &keystore.EntryError{Label: entry.Label, Err: keystore.ErrNoKey}
		}
		if !plain {
			if o.Password, err = a.password(password, out, true); err != nil {
				return err
			}
			defer o.Password.Wipe()
		}
		data, err := store.ExportKey(entry.Label, o)
		if err != nil {
			return err
		}
		defer clear(data)
		if err := outfile.Secret(out, data); err != nil {
			return err
		}
		return a.print(exportedKey{entry.Label, form, !plain, out}, func(w io.Writer) { fmt.Fprintf(w, "wrote %s\n", out) })
	}
	return cmd
}
