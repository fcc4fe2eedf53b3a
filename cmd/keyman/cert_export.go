package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"keyman/internal/certpem"
	"keyman/keystore"
)

// exportFlags say what "keyman cert export" writes, and where.
type exportFlags struct {
	form     string
	out      string
	chain    bool
	to       string // another key database
	toType   string
	password *passwordFlags // of that database
}

// validate refuses what does not go together.
func (f exportFlags) validate(labels []string) error {
	switch {
	case f.form == formDER && f.chain:
		return usagef("--chain: a DER file holds one certificate; use pem")
	case f.to == "" && (f.password.file != "" || f.password.env != "" || f.toType != ""):
		return usagef("a certificate without its key has no password: --to names a key database for both")
	case f.to == "" && len(labels) > 1:
		return usagef("one file holds one certificate, and %d are named; use --to", len(labels))
	}
	return nil
}

// exportResult is the JSON of "keyman cert export".
type exportResult struct {
	Label string `json:"label"`
	Form  string `json:"form"`
	File  string `json:"file,omitempty"`
	PEM   string `json:"pem,omitempty"` // where no file was named
}

func newCertExportCommand(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export LABEL [--out FILE] | LABEL... --to DB",
		Short: "Write a certificate to a file, or entries with their keys to another key database",
		Long: `Write a certificate as PEM or DER, to standard output or a file. With --to write
entries, their private keys and the certificates above them to another key
database, which has a password of its own. One that is not there is made, with
mode 0600, in the format that its name speaks of. The certificates above are not
trusted there; a CA that is named is, where it is here.`,
		Example: `  keyman cert export gw1 --chain --out gw1.pem
  keyman cert export gw1 gw2 --to laptop.p12`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := addKeydbFlags(cmd)
	f.password = addPasswordFlags(cmd, "target-", "the password of the other key database")
	addChoice(cmd, &f.form, "form", "`form` of the certificate", formPEM, formDER)
	cmd.Flags().StringVar(&f.out, "out", "", "write to this `file` (default: standard output)")
	cmd.Flags().BoolVar(&f.chain, "chain", false, "write the certificates above it, too")
	cmd.Flags().StringVar(&f.to, "to", "", "another key `database`, with the private keys and the chains")
	cmd.Flags().StringVar(&f.toType, "to-type", "", "`format` of a database that is made: "+formatNames())
	for _, flag := range []string{"form", "out", "chain"} {
		cmd.MarkFlagsMutuallyExclusive("to", flag)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.validate(args); err != nil {
			return err
		}
		if f.to != "" {
			return a.exportTo(cmd.Context(), flags, args, f)
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := findEntry(store, args[0])
		if err != nil {
			return err
		}
		return a.exportCertificate(entry, f)
	}
	return cmd
}

// exportCertificate writes what may be given away.
func (a *app) exportCertificate(entry keystore.Entry, f exportFlags) error {
	if _, err := entry.Summary(); err != nil {
		return err
	}
	chain := entry.Chain[:1]
	if f.chain {
		chain = entry.Chain
	}
	data := chain[0]
	if f.form == formPEM {
		data = certpem.Encode(certpem.TypeCertificate, chain...)
	}
	result := exportResult{Label: entry.Label, Form: f.form, File: f.out}
	switch {
	case f.out != "":
		if err := writePublic(f.out, data); err != nil {
			return err
		}
	case f.form == formPEM:
		result.PEM = string(data)
	case a.json:
		return usagef("--form der with --json needs --out FILE")
	}
	return a.print(result, func(w io.Writer) {
		if f.out == "" {
			_, _ = io.Copy(w, bytes.NewReader(data))
			return
		}
		fmt.Fprintf(w, "wrote %s\n", f.out)
	})
}

// exportTo writes entries to another key database.
func (a *app) exportTo(ctx context.Context, flags *keydbFlags, labels []string, f exportFlags) error {
	if err := oneStdin(flags.password, f.password); err != nil {
		return err
	}
	format, err := formatFlag("to-type", f.toType, f.to)
	if err != nil {
		return err
	}
	store, err := a.openKeydb(ctx, flags)
	if err != nil {
		return err
	}
	for _, label := range labels {
		if _, err := findEntry(store, label); err != nil {
			return err
		}
	}
	target, err := a.targetDatabase(ctx, f, format)
	if err != nil {
		return err
	}
	done, err := target.Import(store, keystore.ImportOptions{Labels: labels, Trust: true})
	if err != nil {
		return err
	}
	if err := target.Save(ctx); err != nil {
		return err
	}
	return a.printImported(target, done, "exported")
}

// targetDatabase opens the key database to which entries are written, or makes
// one in memory: it comes to be when it is saved.
func (a *app) targetDatabase(ctx context.Context, f exportFlags, format keystore.Format) (*keystore.Store, error) {
	_, err := os.Stat(f.to)
	if err == nil {
		if f.toType != "" {
			return nil, usagef("--to-type is for a key database that is made, and %s is there", f.to)
		}
		return a.openDatabase(ctx, f.to, f.password, f.to)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	password, err := a.password(f.password, f.to, true)
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	return keystore.New(f.to, password, keystore.Options{Format: format})
}

// subjectOf writes the subject of a certificate.
func subjectOf(der []byte) string {
	summary, err := keystore.Summarize(der)
	if err != nil {
		return "(a certificate that cannot be read)"
	}
	return nameText(summary.Subject)
}
