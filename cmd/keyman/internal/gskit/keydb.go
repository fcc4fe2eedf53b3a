package gskit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keyman/keystore"
)

// maxDays bounds a lifetime, of a password or a certificate: a hundred years.
const maxDays = 36500

func keydbActions() []action {
	making := []string{"stash", "expire", "strong", "genpw", "prompt"}
	return []action{
		{name: "-create", required: []string{"db"}, optional: append(dbOptions("pqc"), making...), run: keydbCreate},
		{name: "-changepw", required: []string{"db"}, optional: append(dbOptions("new_pw"), making...), run: keydbChangePassword},
		{name: "-convert", required: []string{"db"}, optional: dbOptions("old_format", "new_format", "new_db", "target", "new_pw", "target_pw", "stash", "expire", "strong"), run: keydbConvert},
		{name: "-delete", required: []string{"db"}, optional: dbOptions(), run: keydbDelete},
		{name: "-expiry", required: []string{"db"}, optional: dbOptions(), run: keydbExpiry},
		{name: "-stashpw", required: []string{"db"}, optional: dbOptions(), run: keydbStash},
		{name: "-list", optional: []string{"fips"}, run: keydbList},
	}
}

func keydbCreate(ctx context.Context, c *call) error {
	path := c.value("db")
	if c.has("stashed") {
		return usagef("", "-stashed: a key database that is made has no stash file yet; -stash makes one")
	}
	if c.yes("pqc") {
		return usagef("", "-pqc is not done: there are no such algorithms here")
	}
	format, err := c.format("type", path)
	if err != nil {
		return err
	}
	if format.Name() == "cms" && filepath.Ext(path) == "" {
		path += ".kdb" // as the programs of old name it
	}
	password, err := c.newPassword("pw", path)
	if err != nil {
		return err
	}
	defer password.Wipe()
	store, err := keystore.New(path, password, keystore.Options{Format: format})
	if err != nil {
		return err
	}
	if err := c.passwordOptions(store); err != nil {
		return err
	}
	return store.Save(ctx)
}

// passwordOptions does what -stash and -expire say, for the next save.
func (c *call) passwordOptions(store *keystore.Store) error {
	if c.has("stash") {
		if err := store.SetStashed(true); err != nil {
			return err
		}
	}
	days, err := c.days("expire", 0, 0, maxDays)
	if err != nil || days == 0 {
		return err
	}
	err = store.SetPasswordExpiry(time.Now().AddDate(0, 0, days))
	if errors.Is(err, keystore.ErrNoPasswordExpiry) {
		c.warn("-expire: a file of format %s has no place for it: the password does not expire", store.Format().Name())
		return nil
	}
	return err
}

func keydbChangePassword(ctx context.Context, c *call) error {
	// A password that has expired is what this is for.
	store, err := c.openWith(ctx, database(), keystore.OpenExpired)
	if err != nil {
		return err
	}
	password, err := c.newPassword("new_pw", store.Path())
	if err != nil {
		return err
	}
	defer password.Wipe()
	if err := store.SetPassword(password); err != nil {
		return err
	}
	if err := c.passwordOptions(store); err != nil {
		return err
	}
	return store.Save(ctx)
}

func keydbConvert(ctx context.Context, c *call) error {
	path, err := c.path(database())
	if err != nil {
		return err
	}
	if _, err := c.format("old_format", path); err != nil {
		return err // it is told by the content, but the word must be one
	}
	to, err := c.oneOf("new_db", "target")
	if err != nil {
		return err
	}
	format, err := c.format("new_format", to)
	if err != nil {
		return err
	}
	if to == "" {
		to = strings.TrimSuffix(path, filepath.Ext(path)) + "." + suffixOf(format)
	}
	old, err := c.password(database(), path)
	if err != nil {
		return err
	}
	defer old.Wipe()
	store, err := keystore.Open(ctx, path, old)
	if err != nil {
		return err
	}
	password, err := c.convertPassword(old, to)
	if err != nil {
		return err
	}
	defer password.Wipe()
	made, losses, err := store.Convert(ctx, to, password, keystore.Options{Format: format})
	if err != nil {
		return err
	}
	for _, loss := range losses {
		c.warn("%s", strings.TrimPrefix(fmt.Sprintf("%q: %s", loss.Label, loss.What), `"": `))
	}
	if !c.has("stash") && !c.has("expire") {
		return nil
	}
	if err := c.passwordOptions(made); err != nil {
		return err
	}
	return made.Save(ctx)
}

// oneOf returns the value of the one of two options that is given.
func (c *call) oneOf(a, b string) (string, error) {
	if c.has(a) && c.has(b) {
		return "", usagef("", "-%s and -%s are the same: give one", a, b)
	}
	return c.value(a) + c.value(b), nil
}

// convertPassword returns the password of the new database: its own, or that of
// the old one.
func (c *call) convertPassword(old keystore.Password, to string) (keystore.Password, error) {
	if _, err := c.oneOf("new_pw", "target_pw"); err != nil {
		return nil, err
	}
	for _, option := range []string{"new_pw", "target_pw"} {
		if c.has(option) {
			return c.newPassword(option, to)
		}
	}
	if c.has("strong") {
		if err := checkStrong(old); err != nil {
			return nil, err
		}
	}
	return slices.Clone(old), nil
}

// suffixOf returns the suffix of the names of files of a format.
func suffixOf(f keystore.Format) string {
	switch f.Name() {
	case "cms":
		return "kdb"
	case "pkcs12":
		return "p12"
	default:
		return f.Name()
	}
}

func keydbDelete(ctx context.Context, c *call) error {
	store, err := c.openWith(ctx, database(), keystore.OpenExpired)
	if err != nil {
		return err
	}
	return store.Remove(ctx)
}

func keydbExpiry(ctx context.Context, c *call) error {
	store, err := c.openWith(ctx, database(), keystore.OpenExpired)
	if err != nil {
		return err
	}
	t, ok := store.PasswordExpires()
	switch {
	case !ok:
		fmt.Fprintln(c.Stdout, "Password Expiry Time : 0")
	case !time.Now().Before(t):
		fmt.Fprintf(c.Stdout, "Password Expiry Time : %s (expired)\n", dateText(t))
	default:
		fmt.Fprintf(c.Stdout, "Password Expiry Time : %s\n", dateText(t))
	}
	return nil
}

func keydbStash(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	if err := store.SetStashed(true); err != nil {
		return err
	}
	return store.Save(ctx)
}

// keydbList lists the kinds of key databases.
func keydbList(_ context.Context, c *call) error {
	fmt.Fprintln(c.Stdout, "Supported key database types")
	for _, f := range keystore.Formats() {
		fmt.Fprintf(c.Stdout, "\t%s\n", strings.ToUpper(f.Name()))
	}
	return nil
}
