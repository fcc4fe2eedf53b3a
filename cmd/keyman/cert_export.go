package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"keyman/internal/certpem"
	"keyman/internal/pkcs7"
	"keyman/keystore"
)

// exportFlags say what "keyman cert export" writes, and where.
type exportFlags struct {
	form     string
	out      string
	chain    bool
	to       string // another key database, or a folder
	toType   string
	plain    bool
	password *passwordFlags // of that database
}

// validate refuses what does not go together.
func (f exportFlags) validate(labels []string) error {
	// A certificate under the name of a key database looks like a backup that has
	// the key, until it is needed.
	if format, ok := keystore.FormatForPath(f.out); ok && format.Name() != formPEM {
		return usagef("--out %s: --out writes certificates without keys, and this is the name of a key database (%s): write --to", f.out, format.Name())
	}
	switch {
	case f.form == formDER && f.chain:
		return usagef("--chain: a DER file holds one certificate; use pem or p7b")
	case f.form == formDER && len(labels) > 1:
		return usagef("a DER file holds one certificate, and %d are named; use pem or p7b", len(labels))
	case f.to == "" && (f.password.given() || f.toType != "" || f.plain):
		return usagef("a certificate without its key has no password: --to names a key database for both")
	case f.to != "" && f.plain && !namesFolder(f.toType, f.to):
		return usagef("--unencrypted is for a folder: a key database has a password")
	}
	return nil
}

// exportResult is the JSON of "keyman cert export".
type exportResult struct {
	Labels []string `json:"labels"`
	Form   string   `json:"form"`
	File   string   `json:"file,omitempty"`
	PEM    string   `json:"pem,omitempty"` // where no file was named
}

func newCertExportCommand(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export LABEL... [--out FILE | --to {DB | FOLDER/}]",
		Short: "Write certificates to a file, or entries with their keys to another key database",
		Long: `Write certificates as PEM, DER or PKCS#7 (p7b), to standard output or a file.

With --to write entries, their private keys and the certificates above them to
another key database, which has a password of its own. One that is not there is
made, with mode 0600, in the format that its name speaks of. The certificates
above are not trusted there; a CA that is named is, where it is here.

A name that ends with a slash, or --to-type pem-folder, is a new folder of PEM
files: LABEL.key, encrypted under the password or, with --unencrypted, not;
LABEL.crt; and LABEL.csr for a request.`,
		Example: `  keyman cert export gw1 --chain --out gw1.pem
  keyman cert export gw1 --chain --form p7b --out gw1.p7b
  keyman cert export gw1 gw2 --to laptop.p12
  keyman cert export gw1 --to gw1-files/ --unencrypted`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags)
	f.password = addOpenFlags(cmd, "target-", "the password of the other key database")
	addForm(cmd, &f.form, "`form` of the certificates", formPEM, formDER, formP7B)
	cmd.Flags().StringVar(&f.out, "out", "", "write to this `file` (default: standard output)")
	cmd.Flags().BoolVar(&f.chain, "chain", false, "write the certificates above it, too")
	cmd.Flags().StringVar(&f.to, "to", "", "another key `database`, or a new folder/, with the private keys and the chains")
	cmd.Flags().StringVar(&f.toType, "to-type", "", "`format` of a database that is made: "+formatNames()+", "+folderFormat)
	completeFormats(cmd, "to-type", folderFormat)
	addUnencrypted(cmd, &f.plain)
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
		return a.exportCertificates(store, args, f)
	}
	return cmd
}

// exportCertificates writes what may be given away.
func (a *app) exportCertificates(store *keystore.Store, labels []string, f exportFlags) error {
	var (
		certificates [][]byte
		written      = map[string]bool{}
		result       = exportResult{Form: f.form, File: f.out}
	)
	for _, label := range labels {
		entry, err := findEntry(store, label)
		if err != nil {
			return err
		}
		if _, err := entry.Summary(); err != nil {
			return err
		}
		result.Labels = append(result.Labels, entry.Label)
		chain := entry.Chain[:1]
		if f.chain {
			chain = entry.Chain
		}
		for _, der := range chain {
			if !written[string(der)] {
				written[string(der)] = true
				certificates = append(certificates, der)
			}
		}
	}
	data, err := encodeCertificates(certificates, f.form)
	switch {
	case err != nil:
		return err
	case f.out != "":
		if err := writePublic(f.out, data); err != nil {
			return err
		}
	case f.form != formDER:
		result.PEM = string(data)
	case a.json:
		return usagef("--form der with --json needs --out FILE")
	}
	return a.print(result, func(w io.Writer) {
		if f.out == "" {
			_, _ = w.Write(data)
			return
		}
		fmt.Fprintf(w, "wrote %s\n", f.out)
	})
}

// encodeCertificates writes certificates in one of the forms; DER holds one.
func encodeCertificates(certificates [][]byte, form string) ([]byte, error) {
	switch form {
	case formDER:
		return certificates[0], nil
	case formP7B:
		der, err := pkcs7.Encode(pkcs7.Content{Certificates: certificates})
		return certpem.Encode(pkcs7.TypePKCS7, der), err
	default:
		return certpem.Encode(certpem.TypeCertificate, certificates...), nil
	}
}

// exportTo writes entries to another key database, or to a folder.
func (a *app) exportTo(ctx context.Context, flags *keydbFlags, labels []string, f exportFlags) error {
	if err := oneStdin(flags.password, f.password); err != nil {
		return err
	}
	toFolder := namesFolder(f.toType, f.to)
	var format keystore.Format
	if !toFolder {
		var err error
		if format, err = targetFormat("to-type", f.toType, f.to); err != nil {
			return err
		}
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
	if toFolder {
		return a.writeFolder(store, folderTarget{path: f.to, labels: labels, plain: f.plain, password: f.password})
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
