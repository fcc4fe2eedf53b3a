package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"keyman/ca"
	"keyman/internal/certpem"
	"keyman/internal/dn"
	"keyman/keystore"
)

// newCAInitCommand is "keyman ca init".
func newCAInitCommand(a *app) *cobra.Command {
	var (
		o       ca.Options
		subject string
		key     keystore.KeySpec
		out     string
	)
	cmd := &cobra.Command{
		Use:   "init NAME --subject DN [--crl-url URL]...",
		Short: "Found a CA",
		Example: `  keyman ca init lab --subject "C=CH, O=Example, CN=Example CA" \
    --crl-url http://pki.example.org/lab.crl \
    --crl-url "ldap://ldap.example.org/cn=Example%20CA,o=Example,c=CH?certificateRevocationList"`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&subject, "subject", "", "the CA's `name`, such as \"C=CH, O=Example, CN=Example CA\"")
	cmd.Flags().Var(&key, "key", "the CA's `kind` of key: rsa-BITS, p256, p384, p521, ed25519")
	completeKeys(cmd)
	cmd.Flags().StringArrayVar(&o.Settings.CRLURLs, "crl-url", nil, "a `URL` where the revocation list is published (http, https, ldap, ldaps); again for more")
	addDaysFlag(cmd, &o.Days, "days", ca.DefaultCADays, "lifetime of the CA's certificate in days")
	addDaysFlag(cmd, &o.Settings.CertificateDays, "cert-days", ca.DefaultCertificateDays, "lifetime of the certificates that it issues in days")
	addDaysFlag(cmd, &o.Settings.CRLDays, "crl-days", ca.DefaultCRLDays, "time until the next revocation list is due in days")
	cmd.Flags().BoolVar(&o.NoSubCAs, "no-sub-cas", false, "allow no CA below this one (path length 0)")
	cmd.Flags().StringVar(&out, "out", "", "write the CA's certificate to this `file`, too")
	_ = cmd.MarkFlagRequired("subject")
	flags := addPasswordFlags(cmd, "", "the password of "+caPassword)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o.Subject, err = dn.Parse(subject); err != nil {
			return usagef("--subject: %w", err)
		}
		if err := checkDays(cmd, "days", "cert-days", "crl-days"); err != nil {
			return err
		}
		if err := o.Settings.Validate(); err != nil {
			return usageError{err}
		}
		dir, err := a.caFolder(args[0])
		if err != nil {
			return err
		}
		if _, err := os.Lstat(dir); err == nil {
			return errCAExists(args[0])
		}
		password, err := a.password(flags, caPassword, true)
		if err != nil {
			return err
		}
		defer password.Wipe()
		if o.Signer, err = keystore.GenerateKey(key); err != nil {
			return err
		}
		der, err := foundCA(cmd.Context(), dir, o, password)
		if errors.Is(err, fs.ErrExist) {
			return errCAExists(args[0])
		}
		if err != nil {
			return err
		}
		if err := writePublic(out, certpem.Encode(certpem.TypeCertificate, der)); err != nil {
			return withHint(fmt.Errorf("the CA was founded, but: %w", err), "its certificate is in "+filepath.Join(dir, ca.CertificateFile))
		}
		return a.printCA(args[0], dir, out, der)
	}
	return cmd
}

func errCAExists(name string) error {
	return withHint(fmt.Errorf("there is a CA %q already", name), "choose another name")
}

// foundCA makes the CA's folder whole or not at all: it is built beside its
// place and takes its name last. It returns the CA's certificate.
func foundCA(ctx context.Context, dir string, o ca.Options, password keystore.Password) (der []byte, err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	draft, err := os.MkdirTemp(parent, ".init-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(draft))
		}
	}()
	store, err := keystore.Create(ctx, filepath.Join(draft, caKeys), password, keystore.Options{})
	if err != nil {
		return nil, err
	}
	c, err := ca.Init(ctx, draft, o)
	if err != nil {
		return nil, err
	}
	if err := store.AddKey(caLabel, o.Signer, [][]byte{c.Certificate()}); err != nil {
		return nil, err
	}
	if err := store.Save(ctx); err != nil {
		return nil, err
	}
	if err := os.Rename(draft, dir); err != nil {
		if errors.Is(err, syscall.ENOTEMPTY) {
			return nil, fs.ErrExist
		}
		return nil, err
	}
	return c.Certificate(), syncFolder(parent)
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// printCA shows a CA that was just founded, and where --out has written.
func (a *app) printCA(name, dir, out string, der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	subject, err := dn.FromDER(cert.RawSubject)
	if err != nil {
		return err
	}
	shown := struct {
		Name        string    `json:"name"`
		Dir         string    `json:"dir"`
		Certificate string    `json:"certificate"`
		Subject     string    `json:"subject"`
		NotAfter    time.Time `json:"not_after"`
		SHA256      string    `json:"sha256"`
		Out         string    `json:"out,omitempty"`
	}{name, dir, filepath.Join(dir, ca.CertificateFile), subject.String(), cert.NotAfter, fmt.Sprintf("%x", sha256.Sum256(der)), out}
	return a.print(shown, func(w io.Writer) {
		fmt.Fprintf(w, "CA %s: %s\n", shown.Name, shown.Subject)
		fmt.Fprintf(w, "  good until   %s\n", shown.NotAfter.Format(time.DateOnly))
		fmt.Fprintf(w, "  certificate  %s\n", shown.Certificate)
		fmt.Fprintf(w, "  SHA-256      %s\n", shown.SHA256)
		writtenTo(w, out)
	})
}
