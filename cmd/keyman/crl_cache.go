package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
	"keyman/internal/cells"
)

// crlCacheDir is the folder of the cache in the state directory.
const crlCacheDir = "crl-cache"

// crlCache returns the cache of revocation lists.
func (a *app) crlCache() (*crl.Cache, error) {
	state, err := a.state()
	if err != nil {
		return nil, err
	}
	return crl.NewCache(crl.CacheConfig{Dir: filepath.Join(state, crlCacheDir)})
}

func newCRLCacheCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Show and tend the revocation lists that are kept",
		Long: `Show and tend the revocation lists that checks have fetched. They are kept in
crl-cache in the state directory, the newest of each issuer, key and scope, after
their signature was verified, and are used until they are due. The daemon and
keyman crl check share them.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newCRLCacheListCommand(a), newCRLCachePurgeCommand(a), newCRLCacheRefreshCommand(a), newCRLCacheVerifyCommand(a))
	return cmd
}

// cachedShown is the JSON of a list of the cache.
type cachedShown struct {
	Name    string    `json:"name"`
	Issuer  string    `json:"issuer"`
	Number  string    `json:"number,omitempty"`
	Scope   string    `json:"scope"`
	Delta   bool      `json:"delta"`
	This    time.Time `json:"this_update"`
	Next    time.Time `json:"next_update,omitzero"`
	Revoked int       `json:"revoked"`
	Places  []string  `json:"places"`
	Stored  time.Time `json:"stored"`
	Used    time.Time `json:"used"`
	Bytes   int64     `json:"bytes"`
	// Outcome is what refresh or verify did: "" for neither.
	Outcome string `json:"outcome,omitempty"`
}

func newCachedShown(c *crl.Cached) cachedShown {
	s := cachedShown{
		Name: c.Name, Issuer: c.Issuer.String(), Scope: "all certificates", Delta: c.DeltaBase != nil, This: c.ThisUpdate, Next: c.NextUpdate,
		Revoked: c.Len(), Places: c.Places, Stored: c.Stored, Used: c.Used, Bytes: c.Bytes,
	}
	if c.Number != nil {
		s.Number = c.Number.String()
	}
	if c.Scope != nil {
		s.Scope = c.Scope.String()
	}
	return s
}

func newCRLCacheListCommand(a *app) *cobra.Command {
	var wide bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the revocation lists that are kept",
		Example: `  keyman crl cache list`,
		Args:    cobra.NoArgs,
	}
	addWideFlag(cmd, &wide)
	cmd.RunE = func(*cobra.Command, []string) error {
		cache, err := a.crlCache()
		if err != nil {
			return err
		}
		names, err := cache.Names()
		if err != nil {
			return err
		}
		all, failed := []cachedShown{}, []error{}
		for _, name := range names {
			c, err := cache.Open(name) // one after the other: each takes its size in memory
			if err != nil {
				failed = append(failed, err)
				continue
			}
			all = append(all, newCachedShown(c))
		}
		err = a.print(all, func(w io.Writer) { writeCached(w, all, wide) })
		return errors.Join(err, withCacheHint(errors.Join(failed...)))
	}
	return cmd
}

// withCacheHint says what to do about lists that cannot be opened.
func withCacheHint(err error) error {
	if errors.Is(err, crl.ErrDamaged) {
		return withHint(err, "keyman crl cache verify drops lists that are damaged; they are fetched again when they are needed")
	}
	return err
}

// writeCached writes a table of lists.
func writeCached(w io.Writer, all []cachedShown, wide bool) {
	if len(all) == 0 {
		fmt.Fprintln(w, "no revocation list is kept")
		return
	}
	t := &table{wide: wide, columns: []column{
		{title: "NAME"}, {title: "NUMBER", shorten: cells.Cut}, {title: "NEXT UPDATE"}, {title: "REVOKED", right: true}, {title: "ISSUER", shorten: cells.Cut},
	}}
	for _, s := range all {
		next := "not said"
		if !s.Next.IsZero() {
			next = s.Next.Format("2006-01-02 15:04")
		}
		number := s.Number
		if s.Delta {
			number += " delta"
		}
		t.add(s.Name[:8], number, next, strconv.Itoa(s.Revoked), s.Issuer)
	}
	t.write(w)
}

func newCRLCachePurgeCommand(a *app) *cobra.Command {
	var expired bool
	cmd := &cobra.Command{
		Use:   "purge [NAME...]",
		Short: "Remove revocation lists that are kept",
		Long: `Remove the revocation lists with these names, or those that are out of date, or
all. They are fetched again when they are needed. Until then an older list of the
same scope is not known to be older.`,
		Example: `  keyman crl cache purge
  keyman crl cache purge --expired`,
	}
	cmd.Flags().BoolVar(&expired, "expired", false, "remove only those that are out of date")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		cache, err := a.crlCache()
		if err != nil {
			return err
		}
		if len(names) > 0 {
			if _, err := chosenLists(cache, names); err != nil {
				return err
			}
		}
		now := time.Now()
		removed, err := cache.Purge(cmd.Context(), func(c *crl.Cached) bool {
			return isChosen(c.Name, names) && (!expired || !c.NextUpdate.IsZero() && now.After(c.NextUpdate))
		})
		if err != nil {
			return err
		}
		return a.print(struct {
			Removed int `json:"removed"`
		}{removed}, func(w io.Writer) { fmt.Fprintf(w, "removed %d\n", removed) })
	}
	return cmd
}

// isChosen reports whether a list is among those that the command line names by
// the beginning of their name; no name is all.
func isChosen(name string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if prefix != "" && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return len(prefixes) == 0
}

// chosenLists returns the names of the lists that the command line names, of all
// where it names none.
func chosenLists(cache *crl.Cache, prefixes []string) ([]string, error) {
	all, err := cache.Names()
	if err != nil {
		return nil, err
	}
	for _, prefix := range prefixes {
		if !slices.ContainsFunc(all, func(name string) bool { return isChosen(name, []string{prefix}) }) {
			return nil, withHint(fmt.Errorf("no list in the cache has the name %q", prefix), "keyman crl cache list names them")
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return !isChosen(name, prefixes) }), nil
}

func newCRLCacheRefreshCommand(a *app) *cobra.Command {
	var proxy string
	cmd := &cobra.Command{
		Use:   "refresh [NAME...]",
		Short: "Fetch the revocation lists that are kept anew",
		Long: `Fetch the revocation lists with these names, or all, anew from the places where
they were found, verify them by the certificate that proved the last ones, and
keep those that are newer. A running daemon fetches its own; see "keyman ike daemon".`,
		Example: `  keyman crl cache refresh`,
	}
	addProxyFlag(cmd, &proxy)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		s, err := a.crlSettings(proxy)
		if err != nil {
			return err
		}
		fetcher, err := newFetcher(s)
		if err != nil {
			return err
		}
		cache, err := a.crlCache()
		if err != nil {
			return err
		}
		chosen, err := chosenLists(cache, names)
		if err != nil {
			return err
		}
		if len(chosen) == 0 {
			return a.print([]cachedShown{}, func(w io.Writer) { writeCached(w, nil, false) })
		}
		var (
			all  []cachedShown
			errs []error
		)
		for _, name := range chosen {
			c, err := cache.Open(name)
			if err != nil {
				errs = append(errs, withCacheHint(err))
				continue
			}
			shown := newCachedShown(c)
			switch newer, err := cache.Refresh(cmd.Context(), fetcher, c); {
			case err != nil:
				shown.Outcome = "failed"
				errs = append(errs, fmt.Errorf("%s of %s: %w", c.Name[:8], c.Issuer, err))
			case newer:
				shown.Outcome = "newer"
			default:
				shown.Outcome = "unchanged"
			}
			all = append(all, shown)
		}
		errs = append(errs, a.print(all, func(w io.Writer) { writeOutcomes(w, all) }))
		return errors.Join(errs...)
	}
	return cmd
}

// writeOutcomes writes a line for each list.
func writeOutcomes(w io.Writer, all []cachedShown) {
	for _, s := range all {
		fmt.Fprintf(w, "%s  %-9s  %s\n", s.Name[:8], s.Outcome, printable(s.Issuer))
	}
}

func newCRLCacheVerifyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Verify the revocation lists that are kept",
		Long: `Verify the revocation lists with these names, or all, as if they came from
outside: their form, their index entry by entry, and their signature. Those that
are damaged are dropped.

Exit codes: 0 all are as they were stored, 1 some were damaged, 2 usage, 3 it
could not be found out.`,
		Example: `  keyman crl cache verify`,
	}
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		cache, err := a.crlCache()
		if err != nil {
			return err
		}
		chosen, err := chosenLists(cache, names)
		if err != nil {
			return err
		}
		var bad []error
		all := []cachedShown{}
		for _, name := range chosen {
			shown := cachedShown{Name: name}
			if c, err := cache.Open(name); err == nil {
				shown = newCachedShown(c)
			}
			shown.Outcome = "good"
			if err := cache.Verify(cmd.Context(), name); err != nil {
				if !errors.Is(err, crl.ErrDamaged) {
					return err
				}
				shown.Outcome = "damaged"
				bad = append(bad, err)
			}
			all = append(all, shown)
		}
		if err := a.print(all, func(w io.Writer) { writeOutcomes(w, all) }); err != nil {
			return err
		}
		if err := errors.Join(bad...); err != nil {
			return answerNo{err.Error()}
		}
		return nil
	}
	return cmd
}
