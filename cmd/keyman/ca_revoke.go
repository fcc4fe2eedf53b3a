package main

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyman/ca"
	"keyman/internal/certpem"
)

// revocationReasons are the words of --reason (RFC 5280, 5.3.1).
func revocationReasons() []string {
	return []string{"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
		"certificateHold", "privilegeWithdrawn", "aACompromise"}
}

// newCARevokeCommand is "keyman ca revoke".
func newCARevokeCommand(a *app) *cobra.Command {
	var file, reason, date string
	cmd := &cobra.Command{
		Use:   "revoke NAME {SERIAL | --cert FILE}",
		Short: "Revoke a certificate",
		Long: `Mark a certificate as revoked, by its serial number or by the certificate
itself. Peers learn of it from the next revocation list: run keyman ca crl.`,
		Example: `  keyman ca revoke lab --cert gw1.pem --reason keyCompromise
  keyman ca revoke lab 5c1d67e6e58a51105e576274325915ff --reason superseded`,
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&file, "cert", "", "the certificate, a PEM or DER `file`")
	cmd.Flags().StringVar(&reason, "reason", ca.Unspecified.String(),
		"`why`: "+strings.Join(revocationReasons(), ", "))
	completeWords(cmd, "reason", revocationReasons()...)
	cmd.Flags().StringVar(&date, "date", "", "since when, an RFC 3339 `time` such as 2026-01-02T15:04:05Z (default now)")
	cmd.ValidArgsFunction = a.completeCAs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 2) == (file != "") {
			return usagef("give either a serial number or --cert")
		}
		var o ca.RevokeOptions
		if err := o.Reason.UnmarshalText([]byte(reason)); err != nil {
			return usagef("--reason: %w", err)
		}
		if o.Reason == ca.RemoveFromCRL {
			return usagef("--reason %s stands in delta lists only (RFC 5280, 5.3.1), and keyman makes none", o.Reason)
		}
		if date != "" {
			var err error
			if o.Date, err = time.Parse(time.RFC3339, date); err != nil {
				return usagef("--date %q is no RFC 3339 time, such as 2026-01-02T15:04:05Z", date)
			}
		}
		c, err := a.openCA(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		var serial *big.Int
		if file != "" {
			serial, err = serialFromFile(c, file)
		} else if serial, err = ca.ParseSerial(args[1]); err != nil {
			err = usageError{err}
		}
		if err != nil {
			return err
		}
		record, err := c.Revoke(cmd.Context(), serial, o)
		if errors.Is(err, ca.ErrUnknown) {
			return withHint(err, "keyman ca list "+args[0]+" shows what it issued")
		}
		if err != nil {
			return err
		}
		return a.print(record, func(w io.Writer) {
			fmt.Fprintf(w, "revoked %s: %s (%s)\n", record.Serial, record.Subject, record.Revoked.Reason)
			fmt.Fprintf(w, "  peers learn of it from the next list: keyman ca crl %s\n", args[0])
		})
	}
	return cmd
}

// serialFromFile returns the serial number of the one certificate in a file.
func serialFromFile(c *ca.CA, file string) (*big.Int, error) {
	certs, err := readCertificateFile(file)
	if err != nil {
		return nil, err
	}
	if len(certs) != 1 {
		return nil, fmt.Errorf("%s holds %d certificates: which one is meant?", file, len(certs))
	}
	serial, err := c.SerialOf(certs[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return serial, nil
}

// newCACRLCommand is "keyman ca crl".
func newCACRLCommand(a *app) *cobra.Command {
	var (
		out, form string
		days      int
	)
	cmd := &cobra.Command{
		Use:   "crl NAME [--out FILE]",
		Short: "Make a revocation list",
		Long: `Make and sign a new revocation list of all certificates that are revoked. It is
kept in the CA's folder as crl.der and crl.pem; --out writes it where it is
published. A web server and an LDAP server give it out as DER.`,
		Example: `  keyman ca crl lab --out /var/www/lab.crl
  keyman ca crl lab --days 7 --form pem --out lab.crl.pem`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&out, "out", "", "write the list to this `file`, too")
	addForm(cmd, &form, "`form` of that file", formDER, formPEM)
	addDaysFlag(cmd, &days, "days", 0, "days until the next list is due (default: as the CA was founded)")
	flags := addOpenFlags(cmd, "", "the password of "+caPassword)
	cmd.ValidArgsFunction = a.completeCAs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkDays(cmd, "days"); err != nil {
			return err
		}
		c, err := a.openSigningCA(cmd.Context(), args[0], flags)
		if err != nil {
			return err
		}
		list, err := c.MakeCRL(cmd.Context(), ca.CRLOptions{Lifetime: time.Duration(days) * 24 * time.Hour})
		if err != nil {
			return err
		}
		content := list.List
		if form == formPEM {
			content = certpem.Encode(ca.TypeCRL, content)
		}
		if err := writePublic(out, content); err != nil {
			return withHint(fmt.Errorf("the list was made, but: %w", err), "it is in "+list.File)
		}
		return a.print(struct {
			Number     uint64    `json:"number"`
			ThisUpdate time.Time `json:"this_update"`
			NextUpdate time.Time `json:"next_update"`
			Entries    int       `json:"entries"`
			File       string    `json:"file"`
			Out        string    `json:"out,omitempty"`
		}{list.Number, list.ThisUpdate, list.NextUpdate, list.Entries, list.File, out}, func(w io.Writer) {
			fmt.Fprintf(w, "revocation list %d: %d revoked\n", list.Number, list.Entries)
			fmt.Fprintf(w, "  next due     %s\n", list.NextUpdate.Format(time.RFC3339))
			fmt.Fprintf(w, "  file         %s\n", list.File)
			writtenTo(w, out)
		})
	}
	return cmd
}
