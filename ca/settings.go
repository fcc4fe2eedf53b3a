package ca

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Lifetimes where the settings say nothing, in days.
const (
	DefaultCADays          = 3650
	DefaultCertificateDays = 365
	DefaultCRLDays         = 7
)

// MaxDays bounds every lifetime: a hundred years.
const MaxDays = 36500

const (
	// maxURLs bounds the distribution point in every certificate.
	maxURLs = 8
	// maxURL is the longest URL, in bytes.
	maxURL = 2048
	// day is what lifetimes are counted in.
	day = 24 * time.Hour
	// backdate is how far a validity begins in the past, for peers whose
	// clocks are behind.
	backdate = 5 * time.Minute
)

// Settings are what a CA puts into everything it signs. They are fixed when the
// CA is founded.
type Settings struct {
	// CRLURLs say where the revocation list is published: http, https, ldap
	// or ldaps. They go into every certificate, those of HTTP first, as the
	// names of one distribution point (RFC 5280, 4.2.1.13). None is allowed.
	CRLURLs []string `json:"crl_urls"`
	// CertificateDays is how long a certificate is good for; 0 is
	// DefaultCertificateDays.
	CertificateDays int `json:"certificate_days"`
	// CRLDays is the time until the next list is due; 0 is DefaultCRLDays.
	CRLDays int `json:"crl_days"`
}

// normalized fills the defaults in, puts the URLs in order and checks all.
func (s Settings) normalized() (Settings, error) {
	if s.CertificateDays == 0 {
		s.CertificateDays = DefaultCertificateDays
	}
	if s.CRLDays == 0 {
		s.CRLDays = DefaultCRLDays
	}
	s.CRLURLs = append([]string{}, s.CRLURLs...)
	slices.SortStableFunc(s.CRLURLs, func(a, b string) int { return urlRank(a) - urlRank(b) })
	return s, s.validate()
}

// Validate tells what is wrong with settings from which a CA is to be founded.
func (s Settings) Validate() error {
	_, err := s.normalized()
	return err
}

func (s Settings) validate() error {
	if s.CertificateDays < 1 || s.CertificateDays > MaxDays {
		return fmt.Errorf("a certificate's lifetime of %d days: 1 to %d are accepted", s.CertificateDays, MaxDays)
	}
	if s.CRLDays < 1 || s.CRLDays > MaxDays {
		return fmt.Errorf("a CRL's lifetime of %d days: 1 to %d are accepted", s.CRLDays, MaxDays)
	}
	if len(s.CRLURLs) > maxURLs {
		return fmt.Errorf("%d CRL URLs, more than %d", len(s.CRLURLs), maxURLs)
	}
	for i, u := range s.CRLURLs {
		if err := checkURL(u); err != nil {
			return fmt.Errorf("CRL URL %.200q: %w", u, err)
		}
		if slices.Contains(s.CRLURLs[:i], u) {
			return fmt.Errorf("CRL URL %q is there twice", u)
		}
	}
	return nil
}

// urlRank orders URLs: HTTP first, since more peers can fetch it.
func urlRank(u string) int {
	if strings.HasPrefix(u, "ldap") {
		return 1
	}
	return 0
}

// checkURL tells why a URL cannot stand in a distribution point.
func checkURL(text string) error {
	if len(text) > maxURL {
		return fmt.Errorf("longer than %d bytes", maxURL)
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			return fmt.Errorf("write %q as %%%02X", c, c)
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("it cannot be read as a URL")
	}
	if u.User != nil {
		return errors.New("a certificate is public: it must not carry a user name or password")
	}
	switch u.Scheme {
	case "http", "https":
		if u.Hostname() == "" {
			return errors.New("it names no host")
		}
	case "ldap", "ldaps":
		// The host may be absent: then the peer's own server is meant. The
		// DN and one attribute must be there (RFC 5280, 4.2.1.13).
		attributes, _, _ := strings.Cut(u.RawQuery, "?")
		if strings.Trim(u.Path, "/") == "" || attributes == "" || strings.Contains(attributes, ",") {
			return errors.New("an LDAP URL names an entry and one attribute: ldap://HOST/DN?certificateRevocationList")
		}
	default:
		return errors.New("use http, https, ldap or ldaps")
	}
	return nil
}
