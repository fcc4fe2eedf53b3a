package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// showResult is the JSON of "keyman keydb show".
type showResult struct {
	lockResult
	DaysLeft    *int           `json:"password_days_left,omitempty"` // below 0 where it has expired
	Mode        string         `json:"mode"`
	Size        int64          `json:"size"`
	Modified    time.Time      `json:"modified"`
	Entries     map[string]int `json:"entries"` // by kind
	Trusted     int            `json:"trusted"` // of the signers
	Default     string         `json:"default,omitempty"`
	Generations int            `json:"generations"`
}

// shownKinds are the kinds of entries in the order in which they are counted.
var shownKinds = [...]keystore.Kind{keystore.Personal, keystore.Signer, keystore.Request, keystore.SecretKey}

func newKeydbShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what a key database is, what is in it and how it is locked",
		Long: `Show the format of a key database, how many entries of each kind it has, until when
its password holds good (also one that has expired), whether that is stashed beside
it, who can read it, and how many older generations are kept.`,
		Example: `  keyman keydb show --keydb ikekey.kdb --stashed`,
		Args:    cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := a.openExpired(cmd.Context(), flags)
		if err != nil {
			return err
		}
		result, err := show(store, time.Now())
		if err != nil {
			return err
		}
		return a.print(result, result.table)
	}
	return cmd
}

// show collects what there is to tell about a key database.
func show(store *keystore.Store, now time.Time) (showResult, error) {
	result := showResult{lockResult: lockOf(store), Entries: map[string]int{}}
	info, err := os.Stat(store.Path())
	if err != nil {
		return result, err
	}
	result.Mode, result.Size, result.Modified = modeText(info.Mode()), info.Size(), info.ModTime().UTC().Truncate(time.Second)
	if result.Expires != nil {
		days := int(result.Expires.Sub(now) / (24 * time.Hour))
		if result.Expires.Before(now) {
			days-- // a day that has begun
		}
		result.DaysLeft = &days
	}
	for _, kind := range shownKinds {
		result.Entries[kind.String()] = 0
	}
	for e := range store.Heads() {
		result.Entries[e.Kind.String()]++
		if e.Trusted {
			result.Trusted++
		}
	}
	if e, ok := store.Default(); ok {
		result.Default = e.Label
	}
	list, err := keystore.Generations(store.Path())
	result.Generations = len(list)
	return result, err
}

// modeText writes permissions as chmod takes them.
func modeText(mode fs.FileMode) string { return fmt.Sprintf("%04o", mode.Perm()) }

func (r showResult) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("file", "%s", printable(r.File))
	row("format", "%s", r.Format)
	for _, kind := range shownKinds {
		more := ""
		if kind == keystore.Signer && r.Trusted > 0 {
			more = fmt.Sprintf(" (%d trusted)", r.Trusted)
		}
		row(kind.String(), "%d%s", r.Entries[kind.String()], more)
	}
	if r.Default != "" {
		row("default", "%s", printable(r.Default))
	}
	switch {
	case r.Expires == nil:
		row("password", "never expires")
	case *r.DaysLeft < 0:
		row("password", "expired on %s", r.Expires.Format(time.RFC3339))
	default:
		row("password", "expires on %s, in %d days", r.Expires.Format(time.RFC3339), *r.DaysLeft)
	}
	if r.Stash == "" {
		row("stashed", "no")
	} else {
		row("stashed", "in %s", printable(r.Stash))
	}
	row("mode", "%s", r.Mode)
	row("changed", "%s", r.Modified.Format(time.RFC3339))
	row("size", "%d bytes", r.Size)
	row("generations", "%d kept", r.Generations)
	t.Flush()
}
