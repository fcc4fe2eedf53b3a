package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
)

func newCRLShowCommand(a *app) *cobra.Command {
	var (
		proxy, form string
		entries     bool
	)
	cmd := &cobra.Command{
		Use:   "show {FILE | URL}",
		Short: "Show a revocation list in words",
		Long: `Show a revocation list in words, with --entries its entries in their order, too.
With --form csv the entries alone are written, as comma-separated values below a
line with their names. A list may have millions of entries: they are written as
they are read. The file - is standard input.`,
		Example: `  keyman crl show lab.crl --entries
  keyman crl show http://pki.example.org/lab.crl
  keyman crl show lab.crl --form csv`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&entries, "entries", false, "show every entry, too")
	addForm(cmd, &form, "`form` of what is shown", formText, formCSV)
	addProxyFlag(cmd, &proxy)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.json && form == formCSV {
			return usagef("--json and --form csv exclude each other")
		}
		l, err := a.anyList(cmd.Context(), args[0], proxy)
		switch {
		case err != nil:
			return err
		case form == formCSV:
			return l.WriteCSV(a.stdout)
		case a.json && entries:
			return l.WriteJSON(a.stdout)
		}
		info := l.Info()
		if err := a.print(info, func(w io.Writer) { writeList(w, info, notVerified) }); err != nil || !entries {
			return err
		}
		return l.WriteText(a.stdout)
	}
	return cmd
}

// anyList gets a list from a file or from a URL.
func (a *app) anyList(ctx context.Context, place, proxy string) (*crl.List, error) {
	s, err := a.crlSettings(proxy)
	if err != nil {
		return nil, err
	}
	if !isURL(place) {
		return a.listOf(place, crl.Limits{MaxBytes: s.MaxSize})
	}
	fetcher, err := newFetcher(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.CheckTimeout))
	defer cancel()
	l, err := fetcher.Fetch(ctx, place)
	return l, directoryHint(err)
}
