package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"keyman/ca"
	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
)

// newCAIssueCommand is "keyman ca issue".
func newCAIssueCommand(a *app) *cobra.Command {
	var (
		request, profile, out string
		o                     ca.IssueOptions
	)
	cmd := &cobra.Command{
		Use:   "issue NAME --request FILE",
		Short: "Issue a certificate for a request",
		Long: `Check a certificate request and issue a certificate for it. The subject, the
public key and the alternative names are those of the request; everything else
is set by the profile: ike is for IKE alone, ike-tls adds the usages serverAuth
and clientAuth for peers that demand them.`,
		Example: `  keyman ca issue lab --request gw1.csr --out gw1.pem
  keyman ca issue lab --request web.csr --profile ike-tls --days 90`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&request, "request", "", "the request, a PEM or DER `file`")
	cmd.Flags().StringVar(&profile, "profile", string(ca.ProfileIKE), "`ike` or ike-tls")
	completeWords(cmd, "profile", string(ca.ProfileIKE), string(ca.ProfileIKETLS))
	addDaysFlag(cmd, &o.Days, "days", 0, "lifetime in days (default: as the CA was founded)")
	cmd.Flags().StringVar(&out, "out", "", "write the certificate to this `file`, too (PEM)")
	_ = cmd.MarkFlagRequired("request")
	flags := addOpenFlags(cmd, "", "the password of "+caPassword)
	cmd.ValidArgsFunction = a.completeCAs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.Profile.UnmarshalText([]byte(profile)); err != nil {
			return usagef("--profile: %w", err)
		}
		if err := checkDays(cmd, "days"); err != nil {
			return err
		}
		data, _, err := atomicfile.Read(request, csr.MaxRequest)
		if err != nil {
			return err
		}
		if out != "" && filepath.Clean(out) == filepath.Clean(request) {
			return usagef("--out %s is the request: name another file for the certificate", out)
		}
		parsed, err := csr.Parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", request, err)
		}
		c, err := a.openSigningCA(cmd.Context(), args[0], flags)
		if err != nil {
			return err
		}
		issued, err := c.Issue(cmd.Context(), parsed, o)
		if err != nil {
			return err
		}
		if issued.Shortened {
			a.warnf("the lifetime was cut: the CA itself is good until %s only", issued.Record.NotAfter.Format(time.DateOnly))
		}
		if err := writePublic(out, certpem.Encode(certpem.TypeCertificate, issued.Certificate)); err != nil {
			return withHint(fmt.Errorf("the certificate was issued, but: %w", err), "it is in "+issued.File)
		}
		return a.print(struct {
			ca.Record
			File string `json:"file"`
			Out  string `json:"out,omitempty"`
		}{issued.Record, issued.File, out}, func(w io.Writer) {
			fmt.Fprintf(w, "certificate %s: %s\n", issued.Record.Serial, issued.Record.Subject)
			for _, san := range issued.Record.SANs {
				fmt.Fprintf(w, "  %s\n", san)
			}
			fmt.Fprintf(w, "  good until   %s\n", issued.Record.NotAfter.Format(time.DateOnly))
			fmt.Fprintf(w, "  file         %s\n", issued.File)
			writtenTo(w, out)
		})
	}
	return cmd
}
