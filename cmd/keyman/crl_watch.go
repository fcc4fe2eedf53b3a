package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
)

type crlWatchFlags struct {
	ca            []string
	within, every time.Duration
	once          bool
	proxy         string
}

// watchEvery is how often "keyman crl watch" looks.
const watchEvery = 10 * time.Minute

func newCRLWatchCommand(a *app) *cobra.Command {
	var f crlWatchFlags
	cmd := &cobra.Command{
		Use:   "watch {URL | FILE}...",
		Short: "Tell before a revocation list runs out",
		Long: `Look at revocation lists again and again, and tell, an event a line, when one is
due soon, has run out, or cannot be had, and when another one has taken its place.
A file holds a list, or a certificate whose list is fetched from the places that it
names. A line is there for each place at first, and then for each change. With
--ca a list counts only where one of these CAs has signed it.

With --once each place is looked at once. Exit codes: 0 all are current, 1 one is
due, has run out or cannot be had, 2 usage, 3 a file could not be read.`,
		Example: `  keyman crl watch http://pki.example.org/lab.crl --within 48h
  keyman --json crl watch gw1.pem --ca ca.pem --once`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringArrayVar(&f.ca, "ca", nil, "count lists only that a CA in this `file` has signed; may be repeated")
	cmd.Flags().DurationVar(&f.within, "within", 0, "a list is due when this `duration` is left, such as 48h (default a tenth of its time)")
	cmd.Flags().DurationVar(&f.every, "every", watchEvery, "look each time this `duration` has passed")
	cmd.Flags().BoolVar(&f.once, "once", false, "look once, and answer by the exit code")
	addProxyFlag(cmd, &f.proxy)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.crlWatch(cmd.Context(), f, args) }
	return cmd
}

func (a *app) crlWatch(ctx context.Context, f crlWatchFlags, args []string) error {
	if f.within < 0 || f.every <= 0 {
		return usagef("--within and --every are longer than nothing")
	}
	w, err := a.newListWatcher(f, args)
	if err != nil {
		return err
	}
	if f.once {
		var no []string
		err := w.Look(ctx, func(e crl.ListEvent, _ bool) error {
			if e.State != crl.ListCurrent {
				no = append(no, fmt.Sprintf("%s is %s", e.Place, e.State))
			}
			return a.writeListEvent(e)
		})
		if err == nil && len(no) > 0 {
			return answerNo{strings.Join(no, ", ")}
		}
		return err
	}
	again := time.NewTicker(f.every)
	defer again.Stop()
	for {
		err := w.Look(ctx, func(e crl.ListEvent, changed bool) error {
			if !changed {
				return nil
			}
			return a.writeListEvent(e)
		})
		if ctx.Err() != nil {
			return nil // interrupted, which is how it is meant to end
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// newListWatcher makes the watcher of the places that are named.
func (a *app) newListWatcher(f crlWatchFlags, args []string) (*crl.ListWatcher, error) {
	s, err := a.crlSettings(f.proxy)
	if err != nil {
		return nil, err
	}
	config, err := s.FetcherConfig()
	if err != nil {
		return nil, err
	}
	config.Files = true // these URLs are the user's own
	fetcher, err := crl.NewFetcher(config)
	if err != nil {
		return nil, err
	}
	w := &crl.ListWatcher{Within: f.within}
	if len(f.ca) > 0 {
		if w.Accept, err = a.signedByOneOf(f.ca, s.AllowWeak); err != nil {
			return nil, err
		}
	}
	for _, arg := range args {
		if slices.ContainsFunc(w.Places, func(p crl.ListPlaceWatch) bool { return p.Name == arg }) {
			continue
		}
		get, err := watchPlace(fetcher, s, arg)
		if err != nil {
			return nil, err
		}
		w.Places = append(w.Places, crl.ListPlaceWatch{Name: arg, Get: get})
	}
	return w, nil
}

// watchPlace returns how the list at one place is had.
func watchPlace(fetcher *crl.Fetcher, s crl.Settings, place string) (func(context.Context, crl.Validators) (crl.Reply, error), error) {
	if isURL(place) {
		return func(ctx context.Context, have crl.Validators) (crl.Reply, error) {
			return fetcher.Get(ctx, place, have)
		}, nil
	}
	one := func(l *crl.List, err error) (crl.Reply, error) {
		if err != nil {
			return crl.Reply{}, err
		}
		return crl.Reply{Lists: []*crl.List{l}}, nil
	}
	limits := crl.Limits{MaxBytes: s.MaxSize}
	_, listErr := readList(place, limits)
	if listErr == nil {
		return func(context.Context, crl.Validators) (crl.Reply, error) { return one(readList(place, limits)) }, nil
	}
	certs, err := readCertificateFile(place)
	if err != nil {
		return nil, fmt.Errorf("neither a list nor a certificate: %w", errors.Join(listErr, err))
	}
	return func(ctx context.Context, _ crl.Validators) (crl.Reply, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(s.CheckTimeout))
		defer cancel()
		return one(fetcher.FetchFor(ctx, certs[0], s.FetchOrder))
	}, nil
}

// signedByOneOf refuses lists that none of the CAs in some files has signed.
func (a *app) signedByOneOf(files []string, allowWeak bool) (func(*crl.List) error, error) {
	cas, err := a.readCAs(files)
	if err != nil {
		return nil, err
	}
	return func(l *crl.List) error {
		var errs []error
		for _, ca := range cas {
			err := l.CheckSignatureFrom(ca, allowWeak)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}, nil
}

// writeListEvent prints one line.
func (a *app) writeListEvent(e crl.ListEvent) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(e)
	}
	text := strings.TrimPrefix(e.Error, "fetch "+e.Place+": ")
	if text == "" {
		text = "no next update"
		if !e.NextUpdate.IsZero() {
			text = "next update " + e.NextUpdate.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		if e.Number != "" {
			text = "number " + e.Number + ", " + text
		}
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %-11s  %s  %s\n", e.Time.Local().Format(time.TimeOnly), e.State, printable(e.Place), printable(text))
	return err
}
