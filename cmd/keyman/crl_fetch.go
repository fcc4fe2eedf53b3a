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
}

func newCRLFetchCommand(a *app) *cobra.Command {
	var f crlFetchFlags
	cmd := &cobra.Command{
		Use:   "fetch {URL | --cert FILE | --issuer NAME} --out FILE",
		Short: "Fetch a revocation list",
		Long: `Fetch a revocation list by http, https, ldap or ldaps: from a URL, from the
places that a certificate names, or from the configured LDAP servers by the name
of the issuer. A file URL is read, too, where it is given here. The list is saved as it came; its signature is verified when
certificates are checked by it.`,
		Example: `  keyman crl fetch http://pki.example.org/lab.crl --out lab.crl
  keyman crl fetch --cert gw1.pem --form pem --out lab.crl.pem`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&f.cert, "cert", "", "fetch the list that the certificate in this `file` names")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "fetch the list of the CA with this `name` from the configured LDAP servers")
	cmd.Flags().StringVar(&f.out, "out", "", "write the list to this `file`")
	addForm(cmd, &f.form, "`form` of that file", formDER, formPEM)
	addProxyFlag(cmd, &f.proxy)
	_ = cmd.MarkFlagRequired("out")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.crlFetch(cmd.Context(), f, args) }
	return cmd
}

func (a *app) crlFetch(ctx context.Context, f crlFetchFlags, args []string) error {
	given := len(args)
	for _, flag := range []string{f.cert, f.issuer} {
		if flag != "" {
			given++
		}
	}
	if given != 1 {
		return usagef("give one of URL, --cert and --issuer")
	}
	s, err := a.crlSettings(f.proxy)
	if err != nil {
		return err
	}
	config, err := s.FetcherConfig()
	if err != nil {
		return err
	}
	fetcher, err := crl.NewFetcher(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.CheckTimeout))
	defer cancel()
	l, err := fetchList(ctx, fetcher, s, f, args)
	if err != nil {
		return err
	}
	data := l.Raw()
	if f.form == formPEM {
		data = certpem.Encode("X509 CRL", data)
	}
	if err := outfile.Write(f.out, data, outfile.Public); err != nil {
		return err
	}
	return a.print(l.Info(), func(w io.Writer) {
		fmt.Fprintf(w, "%-12s %s\n", "source", printable(l.Source))
		writeList(w, l.Info())
		fmt.Fprintf(w, "%-12s %s\n", "saved as", f.out)
	})
}

func fetchList(ctx context.Context, fetcher *crl.Fetcher, s crl.Settings, f crlFetchFlags, args []string) (*crl.List, error) {
	switch {
	case f.cert != "":
		certs, err := certpem.Read(f.cert)
		if err != nil {
			return nil, err
		}
		return fetcher.FetchFor(ctx, certs[0], s.FetchOrder)
	case f.issuer != "":
		name, err := dn.Parse(f.issuer)
		if err != nil {
			return nil, usagef("--issuer: %w", err)
		}
		l, err := fetcher.FetchByIssuer(ctx, name)
		return l, directoryHint(err)
	default:
		l, err := fetcher.Fetch(ctx, args[0])
		return l, directoryHint(err)
	}
}
