package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
	"keyman/keystore"
)

// exportFlags say what "keyman cert export" writes, and where.
type exportFlags struct {
	format     string
	out        string
	chain, key bool
	password   *passwordFlags // of the exported file
}

// validate refuses what does not go together.
func (f exportFlags) validate() error {
	switch {
	case f.format != "pem" && f.format != "der":
		return usagef("--format %q: use pem or der", f.format)
	case f.format == "der" && f.chain:
		return usagef("--chain: a DER file holds one certificate; use pem")
	case f.key && f.out == "":
		return usagef("--key needs --out FILE")
	case !f.key && (f.password.file != "" || f.password.env != ""):
		return usagef("a certificate without its key has no password: add --key")
	}
	return nil
}

// exportResult is the JSON of "keyman cert export".
type exportResult struct {
	Label  string `json:"label"`
	Format string `json:"format"`
	File   string `json:"file,omitempty"`
	PEM    string `json:"pem,omitempty"` // where no file was named
}

func newCertExportCommand(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export LABEL",
		Short: "Write a certificate to a file, or with its key to a PKCS#12 file",
		Long: `Write a certificate as PEM or DER, to standard output or a file. With --key write
the certificate, its chain and its private key to a new PKCS#12 file under a
password of its own; an existing file is never overwritten then.`,
		Args: cobra.ExactArgs(1),
	}
	flags := addKeydbFlags(cmd)
	f.password = addPasswordFlags(cmd, "new-", "the password of the exported file")
	cmd.Flags().StringVar(&f.format, "format", "pem", "`pem` or der")
	cmd.Flags().StringVar(&f.out, "out", "", "write to this `file` (default: standard output)")
	cmd.Flags().BoolVar(&f.chain, "chain", false, "write the certificates above it, too")
	cmd.Flags().BoolVar(&f.key, "key", false, "write a PKCS#12 file with the private key and the chain")
	cmd.MarkFlagsMutuallyExclusive("key", "format")
	cmd.MarkFlagsMutuallyExclusive("key", "chain")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.validate(); err != nil {
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
		if f.key {
			return a.exportKey(store, entry, f)
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
	if f.format == "pem" {
		data = certpem.Encode(certpem.TypeCertificate, chain...)
	}
	result := exportResult{Label: entry.Label, Format: f.format, File: f.out}
	switch {
	case f.out != "":
		if err := writePublic(f.out, data); err != nil {
			return err
		}
	case f.format == "pem":
		result.PEM = string(data)
	case a.json:
		return usagef("--format der with --json needs --out FILE")
	}
	return a.print(result, func(w io.Writer) {
		if f.out == "" {
			_, _ = io.Copy(w, bytes.NewReader(data))
			return
		}
		fmt.Fprintf(w, "wrote %s\n", f.out)
	})
}

// exportKey writes a private key with its chain.
func (a *app) exportKey(store *keystore.Store, entry keystore.Entry, f exportFlags) error {
	// An existing file would keep its mode, which others may read.
	if _, err := os.Lstat(f.out); err == nil {
		return withHint(fmt.Errorf("%s: %w", f.out, fs.ErrExist), "a private key is written to a new file only")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	password, err := a.password(f.password, f.out, true)
	if err != nil {
		return err
	}
	defer password.Wipe()
	data, err := store.Export(entry.Label, password)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(f.out, data, 0o600); err != nil {
		return err
	}
	return a.print(exportResult{Label: entry.Label, Format: store.Format().Name(), File: f.out}, func(w io.Writer) {
		fmt.Fprintf(w, "wrote %s with the private key\n", f.out)
	})
}

// subjectOf writes the subject of a certificate.
func subjectOf(der []byte) string {
	summary, err := keystore.Summarize(der)
	if err != nil {
		return "(a certificate that cannot be read)"
	}
	return nameText(summary.Subject)
}
