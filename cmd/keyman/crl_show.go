package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
)

// listShown is the JSON of "keyman crl show".
type listShown struct {
	crl.Info
	Entries []crl.EntryInfo `json:"entries,omitempty"`
}

func newCRLShowCommand(a *app) *cobra.Command {
	var (
		proxy   string
		entries bool
	)
	cmd := &cobra.Command{
		Use:   "show {FILE | URL}",
		Short: "Show a revocation list in words",
		Example: `  keyman crl show lab.crl --entries
  keyman crl show http://pki.example.org/lab.crl`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&entries, "entries", false, "show every entry, too")
	addProxyFlag(cmd, &proxy)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := a.anyList(cmd.Context(), args[0], proxy)
		if err != nil {
			return err
		}
		shown := listShown{Info: l.Info()}
		if entries {
			for e := range l.Entries() {
				shown.Entries = append(shown.Entries, e.Info())
			}
		}
		return a.print(shown, func(w io.Writer) {
			writeList(w, shown.Info)
			for _, e := range shown.Entries {
				fmt.Fprintf(w, "%s  %s  %s\n", e.Date.Format("2006-01-02 15:04:05 UTC"), e.Serial, e.Reason)
			}
		})
	}
	return cmd
}

// anyList gets a list from a file or from a URL.
func (a *app) anyList(ctx context.Context, place, proxy string) (*crl.List, error) {
	s, err := a.crlSettings(proxy)
	if err != nil {
		return nil, err
	}
	config, err := s.FetcherConfig()
	if err != nil {
		return nil, err
	}
	if !isURL(place) {
		return readList(place, config.Limits)
	}
	fetcher, err := crl.NewFetcher(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.CheckTimeout))
	defer cancel()
	l, err := fetcher.Fetch(ctx, place)
	return l, directoryHint(err)
}
