package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"keyman/ca"
)

// caShown is the JSON of "keyman ca show".
type caShown struct {
	Name        string   `json:"name"`
	Dir         string   `json:"dir"`
	Certificate certInfo `json:"certificate"` // the CA's own
	ca.State
	Overdue bool `json:"crl_overdue"`
}

// newCAShowCommand is "keyman ca show".
func newCAShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show a CA: its certificate, what it issued, when its next list is due",
		Long: `Show the subject, serial number and validity of a CA, how many certificates it
issued, by status and by profile, which was the last one, its latest revocation list
and when the next one is due, and what it puts into everything it signs. It needs no
password.`,
		Example:           `  keyman ca show lab`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeCAs,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.caFolder(args[0])
			if err != nil {
				return err
			}
			c, err := a.openCA(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			now := time.Now()
			shown := caShown{Name: args[0], Dir: dir}
			if shown.Certificate, err = newCertInfo(c.Certificate(), now); err != nil {
				return err
			}
			if shown.State, err = c.State(now); err != nil {
				return err
			}
			shown.Overdue = shown.State.Overdue(now)
			return a.print(shown, shown.write)
		},
	}
}

func (s caShown) write(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("name", "%s", s.Name)
	row("folder", "%s", printable(s.Dir))
	row("subject", "%s", printable(s.Certificate.Subject))
	row("serial", "%s", s.Certificate.Serial)
	row("valid", "%s", s.Certificate.Validity())
	row("key", "%s", s.Certificate.Key)
	row("SHA-256", "%s", s.Certificate.SHA256)
	row("issued", "%d%s", s.Certificates, countsText(s.Statuses))
	if len(s.Profiles) > 0 {
		row("profiles", "%s", strings.Trim(countsText(s.Profiles), " ()"))
	}
	if s.Latest != nil {
		row("latest", "%s: %s, on %s", s.Latest.Serial, printable(s.Latest.Subject), s.Latest.Issued.Format(time.DateOnly))
	}
	switch {
	case s.CRLNumber == 0:
		row("latest list", "none")
	case s.Overdue:
		row("latest list", "%d of %s; the next one was due on %s: keyman ca crl %s", s.CRLNumber, s.ThisUpdate.Format(time.DateOnly), s.NextUpdate.Format(time.RFC3339), s.Name)
	default:
		row("latest list", "%d of %s; the next one is due on %s", s.CRLNumber, s.ThisUpdate.Format(time.DateOnly), s.NextUpdate.Format(time.RFC3339))
	}
	if s.ListError != "" {
		row("", "%s", printable(s.ListError))
	}
	if s.Unlisted > 0 {
		row("", "%d revoked and not on it: keyman ca crl %s makes a new one", s.Unlisted, s.Name)
	}
	row("lists at", "%s", urlsText(s.Settings.CRLURLs))
	row("lifetimes", "certificates %s, lists %s", days(s.Settings.CertificateDays), days(s.Settings.CRLDays))
	t.Flush()
}

// countsText writes what was counted in brackets, in the order of the words; "" where
// nothing was.
func countsText[K ~string](counts map[K]int) string {
	var words []string
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[word], word))
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// urlsText writes URLs; none is said in words.
func urlsText(urls []string) string {
	if len(urls) == 0 {
		return "no place: the certificates name none"
	}
	return printable(strings.Join(urls, " "))
}
