package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/outfile"
	"keyman/crl"
	"keyman/internal/certpem"
	"keyman/internal/dn"
)

type crlFetchFlags struct {
	proxy, cert, issuer, out, form string
	ca                             []string
	noCache                        bool
}

func newCRLFetchCommand(a *app) *cobra.Command {
	var f crlFetchFlags
	cmd := &cobra.Command{
		Use:   "fetch {URL | --cert FILE | --issuer NAME}",
		Short: "Fetch a revocation list",
		Long: `Fetch a revocation list by http, https, ldap or ldaps: from a URL, from the
places that a certificate names, or from the configured LDAP servers by the name
of the issuer. A file URL is read, too, where it is given here.

The list is kept in the cache where its signature is proved: by a CA of --ca, by
a certificate that stands behind the first one in the file of --cert, or by the
one that proved the last list of that issuer. An HTTP server is then asked only
whether the list that is kept still stands. --out saves the list as it came, and
--no-cache fetches it in any case and keeps it nowhere else.`,
		Example: `  keyman crl fetch http://pki.example.org/lab.crl --ca ca.pem
  keyman crl fetch --cert gw1.pem --form pem --out lab.crl.pem`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&f.cert, "cert", "", "fetch the list that the certificate in this `file` names")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "fetch the list of the CA with this `name` from the configured LDAP servers")
	cmd.Flags().StringArrayVar(&f.ca, "ca", nil, "take the list only where a CA in this `file` has signed it; again for more")
	cmd.Flags().StringVar(&f.out, "out", "", "write the list to this `file`")
	addForm(cmd, &f.form, "`form` of that file", formDER, formPEM)
	cmd.Flags().BoolVar(&f.noCache, "no-cache", false, "neither ask by the list that is kept, nor keep this one")
	addProxyFlag(cmd, &f.proxy)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.crlFetch(cmd.Context(), f, args) }
	return cmd
}

// fetchShown is the JSON of "keyman crl fetch".
type fetchShown struct {
	crl.Info
	// Unchanged: the server said that the list in the cache still stands.
	Unchanged bool `json:"unchanged"`
	// Signer is whose certificate proved the signature, "" for nobody's.
	Signer string `json:"signer,omitempty"`
	// Kept: the list is in the cache. NotKept says why it is not.
	Kept    bool   `json:"kept"`
	NotKept string `json:"not_kept,omitempty"`
	SavedAs string `json:"saved_as,omitempty"`
}

func (a *app) crlFetch(ctx context.Context, f crlFetchFlags, args []string) error {
	want, err := a.wantedList(f, args)
	if err != nil {
		return err
	}
	s, err := a.crlSettings(f.proxy)
	if err != nil {
		return err
	}
	want.Order = s.FetchOrder
	var k crl.Keeper
	if k.Fetcher, err = newFetcher(s); err != nil {
		return err
	}
	if k.CAs, err = a.readCAs(f.ca); err != nil {
		return err
	}
	if !f.noCache {
		if k.Cache, err = a.crlCache(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.CheckTimeout))
	defer cancel()
	got, err := k.Fetch(ctx, want)
	if err != nil {
		return directoryHint(err)
	}
	shown := fetchShown{Info: got.List.Info(), Unchanged: got.Unchanged, Kept: got.NotKept == nil, SavedAs: f.out}
	if got.Signer != nil {
		shown.Signer = got.List.Issuer.String()
	}
	if got.NotKept != nil {
		shown.NotKept = got.NotKept.Error()
	}
	if got.Older {
		a.warnf("%s gave an older list than the one that is kept, which counts", printable(got.From))
	}
	if f.out == "" && !shown.Kept {
		return withHint(fmt.Errorf("the list from %s is not kept: %w", got.From, got.NotKept),
			"--ca FILE names the CA that signed it; --out FILE saves it as it came")
	}
	if f.out != "" {
		data := got.List.Raw()
		if f.form == formPEM {
			data = certpem.Encode("X509 CRL", data)
		}
		if err := outfile.Write(f.out, data, outfile.Public); err != nil {
			return err
		}
	}
	return a.print(shown, func(w io.Writer) { shown.write(w) })
}

// wantedList reads what the command line names.
func (a *app) wantedList(f crlFetchFlags, args []string) (want crl.Wanted, err error) {
	given := len(args)
	for _, flag := range []string{f.cert, f.issuer} {
		if flag != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return want, usagef("give one of URL, --cert and --issuer")
	case f.noCache && f.out == "":
		return want, usagef("--no-cache keeps nothing: --out FILE says where the list is to go")
	case f.cert != "":
		want.Certificates, err = a.certificatesOf(f.cert)
	case f.issuer != "":
		if want.Issuer, err = dn.Parse(f.issuer); err != nil {
			err = usagef("--issuer: %w", err)
		}
	default:
		want.URL = args[0]
	}
	return want, err
}

// write writes what was fetched in a few lines.
func (s fetchShown) write(w io.Writer) {
	fmt.Fprintf(w, "%-12s %s\n", "source", printable(s.Source))
	by := notVerified
	if s.Signer != "" {
		by = "verified by " + s.Signer
	}
	writeList(w, s.Info, by)
	switch {
	case s.Unchanged:
		fmt.Fprintf(w, "%-12s %s\n", "cache", "unchanged: the server says that the list there still stands")
	case s.Kept:
		fmt.Fprintf(w, "%-12s %s\n", "cache", "kept")
	default:
		fmt.Fprintf(w, "%-12s not kept: %s\n", "cache", printable(s.NotKept))
	}
	if s.SavedAs != "" {
		fmt.Fprintf(w, "%-12s %s\n", "saved as", printable(s.SavedAs))
	}
}
