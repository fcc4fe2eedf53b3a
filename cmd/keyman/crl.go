package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"keyman/crl"
	"keyman/internal/dialer"
)

func newCRLCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "crl",
		Short: "Fetch, show and check by revocation lists",
		Long: `Fetch the lists in which CAs publish the certificates that they have revoked, show
them, and check certificates by them. Lists come by HTTP, HTTPS, LDAP and LDAPS,
directly or through a proxy, as "keyman crl config" says.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newCRLFetchCommand(a), newCRLWatchCommand(a), newCRLShowCommand(a), newCRLDiffCommand(a), newCRLLintCommand(a), newCRLCheckCommand(a), newCRLCacheCommand(a), newCRLConfigCommand(a))
	return cmd
}

// crlSettings reads the section [crl]. A proxy given on the command line
// takes the place of those in it, for HTTP and for LDAP.
func (a *app) crlSettings(proxy string) (crl.Settings, error) {
	all, err := a.settings()
	if err != nil {
		return crl.Settings{}, err
	}
	s := all.CRL
	if proxy != "" {
		if _, err := dialer.ParseURL(proxy); err != nil {
			return s, usagef("--proxy: %w", err)
		}
		s.SOCKS4Server, s.HTTPProxy, s.HTTPSProxy, s.LDAPProxy, s.LDAPSProxy = "", proxy, "", proxy, ""
	}
	return s, nil
}

// addProxyFlag adds --proxy.
func addProxyFlag(cmd *cobra.Command, proxy *string) {
	cmd.Flags().StringVar(proxy, "proxy", "", "fetch through this proxy: a `URL` with socks4, socks4a, socks5 or http (default: as keyman crl config says)")
}

// newFetcher makes the fetcher of the settings.
func newFetcher(s crl.Settings) (*crl.Fetcher, error) {
	config, err := s.FetcherConfig()
	if err != nil {
		return nil, err
	}
	return crl.NewFetcher(config)
}

// readCAs reads the certificates of some files.
func (a *app) readCAs(files []string) ([]*x509.Certificate, error) {
	ders, err := a.certificatesOfAll(files)
	if err != nil {
		return nil, err
	}
	var cas []*x509.Certificate
	for _, der := range ders {
		ca, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		cas = append(cas, ca)
	}
	return cas, nil
}

// readList reads a list from a file.
func readList(path string, limits crl.Limits) (*crl.List, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	l, err := crl.Parse(file, limits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.Source = path
	return l, nil
}

// isURL tells a URL from the name of a file.
func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && strings.Contains(text, "://") && u.Scheme != ""
}

// notVerified is said of a list of whose signature nothing is known.
const notVerified = "not verified"

// writeList describes a list in a few lines. by says how its signature was
// verified.
func writeList(w io.Writer, info crl.Info, by string) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	line("issuer", "%s", info.Issuer)
	line("version", "%d", info.Version)
	if info.Number != "" {
		line("number", "%s", info.Number)
	}
	line("this update", "%s", info.ThisUpdate.Format("2006-01-02 15:04:05 UTC"))
	if info.NextUpdate.IsZero() {
		line("next update", "not said")
	} else {
		line("next update", "%s", info.NextUpdate.Format("2006-01-02 15:04:05 UTC"))
	}
	line("signature", "%s (%s)", info.SignatureAlgorithm, by)
	line("revoked", "%d", info.Revoked)
	line("size", "%d bytes", info.Size)
	line("sha256", "%s", info.SHA256)
	for _, e := range info.Extensions {
		name, critical := e.Name, ""
		if name == "" {
			name = e.OID
		}
		if e.Critical {
			critical = " (critical)"
		}
		line("extension", "%s%s: %s", name, critical, e.Value)
	}
}
