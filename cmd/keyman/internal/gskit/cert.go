package gskit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"keyman/crl"
	"keyman/internal/certpem"
	"keyman/keystore"
)

func certActions() []action {
	making := []string{"size", "sig_alg", "san_dnsname", "san_emailaddr", "san_ipaddr", "san_uri", "eku", "ku"}
	moving := []string{"target_pw", "target_stashed", "target_type", "encryption"}
	return []action{
		{name: "-add", required: []string{"db", "file"}, optional: dbOptions("label", "format", "trust"), run: certAdd},
		{name: "-create", required: []string{"db", "label", "dn"}, optional: append(dbOptions("expire", "default_cert", "ca", "x509version"), making...), run: certCreate},
		{name: "-delete", required: []string{"db", "label"}, optional: dbOptions(), run: certDelete},
		{name: "-details", required: []string{"db", "label"}, optional: dbOptions("showoid"), run: certDetails},
		{name: "-export", required: []string{"target"}, optional: append(dbOptions("db", "file", "label"), moving...), run: certExport},
		{name: "-extract", required: []string{"db", "label"}, optional: dbOptions("target", "file", "format"), run: certExtract},
		{name: "-getdefault", required: []string{"db"}, optional: dbOptions("showoid"), run: certGetDefault},
		{name: "-import", required: []string{"target"}, optional: append(dbOptions("db", "file", "label", "new_label"), moving...), run: certImport},
		{name: "-list", required: []string{"db"}, optional: dbOptions("label", "expiry"), words: []string{"all", "personal", "ca"}, run: certList},
		{name: "-modify", required: []string{"db", "label", "trust"}, optional: dbOptions(), run: certModify},
		{name: "-populate", optional: dbOptions("db", "label"), run: certPopulate},
		{name: "-receive", required: []string{"db", "file"}, optional: dbOptions("format", "default_cert"), run: certReceive},
		{name: "-rename", required: []string{"db", "label", "new_label"}, optional: dbOptions(), run: certRename},
		{name: "-setdefault", required: []string{"db", "label"}, optional: dbOptions(), run: certSetDefault},
		{name: "-sign", required: []string{"db", "label", "file", "target"}, optional: append(dbOptions("format", "expire", "ca", "preserve"), making...), run: certSign},
		{name: "-validate", required: []string{"db", "label"}, optional: dbOptions(), run: certValidate},
	}
}

// change opens the database, does something to it, and saves it.
func (c *call) change(ctx context.Context, do func(*keystore.Store) error) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	if err := do(store); err != nil {
		return err
	}
	return store.Save(ctx)
}

func certAdd(ctx context.Context, c *call) error {
	certificates, err := c.readCertificates("file")
	if err != nil {
		return err
	}
	if len(certificates) > 1 && c.has("label") {
		return hint(fmt.Errorf("%s holds %d certificates, and -label names one", c.value("file"), len(certificates)),
			"leave -label out to add each under its own name, or take the file apart")
	}
	return c.change(ctx, func(store *keystore.Store) error {
		for _, der := range certificates {
			label := c.value("label")
			if label == "" {
				label = store.LabelFor(der)
			}
			if _, err := store.AddSigner(label, der, c.value("trust") != "disable"); err != nil {
				return err
			}
		}
		return nil
	})
}

// readCertificates reads the certificates of a file. What its format is it tells
// itself; -format is an administrator's word for it.
func (c *call) readCertificates(option string) ([][]byte, error) {
	return certpem.Read(c.value(option))
}

// certDelete deletes also what other certificates chain to, as the programs of
// old do; what is left is not trusted by it any more.
func certDelete(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.Personal, keystore.Signer, keystore.SecretKey)
		if err != nil {
			return err
		}
		return store.Delete(entry.Label, true)
	})
}

func certDetails(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	entry, err := c.find(store, keystore.Personal, keystore.Signer)
	if err != nil {
		return err
	}
	return c.showCertificate(entry)
}

func certGetDefault(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	entry, ok := store.Default()
	if !ok {
		return hint(errors.New("the database has no default certificate"), "$0 -cert -setdefault makes one the default")
	}
	return c.showCertificate(entry)
}

func certSetDefault(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.Personal, keystore.Signer)
		if err != nil {
			return err
		}
		return store.SetDefault(entry.Label)
	})
}

func certRename(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.Personal, keystore.Signer, keystore.SecretKey)
		if err != nil {
			return err
		}
		return store.Rename(entry.Label, c.value("new_label"))
	})
}

func certModify(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.Personal, keystore.Signer)
		if err != nil {
			return err
		}
		if entry.Kind == keystore.Personal && !c.yes("trust") {
			return hint(fmt.Errorf("%q has its private key here: trust is for certificates of others", entry.Label), "$0 -cert -delete removes it")
		}
		if entry.Kind == keystore.Personal {
			return nil // -details says enabled already
		}
		return store.SetTrusted(entry.Label, c.yes("trust"))
	})
}

// certPopulate is an action of Java's programs, which brought CAs along.
func certPopulate(context.Context, *call) error {
	return usagef("", "-cert -populate is not done: %s", undone["populate"])
}

// certList lists labels with their flags: IBM's form, which scripts take apart.
func certList(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	only := ""
	if c.has("label") {
		entry, err := c.find(store, keystore.Personal, keystore.Signer, keystore.SecretKey)
		if err != nil {
			return err
		}
		only = entry.Label
	}
	var lines []string
	for entry := range store.Entries() {
		if only != "" && entry.Label != only || !c.lists(entry) {
			continue
		}
		lines = append(lines, flags(entry)+"\t"+quoted(entry.Label))
		if c.has("expiry") {
			lines = append(lines, validityLines(entry)...)
		}
	}
	if len(lines) == 0 {
		fmt.Fprintln(c.Stdout, "No certificates were found.")
		return nil
	}
	fmt.Fprintln(c.Stdout, "Certificates found")
	fmt.Fprintln(c.Stdout, "* default, - personal, ! trusted, # secret key")
	for _, line := range lines {
		fmt.Fprintln(c.Stdout, line)
	}
	return nil
}

// lists reports whether -cert -list shows an entry.
func (c *call) lists(entry keystore.Entry) bool {
	switch {
	case entry.Kind == keystore.Request,
		c.word == "personal" && entry.Kind != keystore.Personal,
		c.word == "ca" && entry.Kind != keystore.Signer:
		return false
	}
	days, err := strconv.Atoi(c.value("expiry"))
	if err != nil {
		return true // all of them
	}
	summary, err := entry.Summary()
	return err == nil && summary.EndsBy(time.Now().AddDate(0, 0, days))
}

// flags returns the marks of an entry.
func flags(entry keystore.Entry) string {
	mark := ""
	if entry.Default {
		mark = "*"
	}
	switch {
	case entry.Kind == keystore.Personal:
		mark += "-"
	case entry.Kind == keystore.SecretKey:
		mark += "#"
	case entry.Trusted:
		mark += "!"
	}
	return mark
}

// validityLines tells when a certificate is good, indented so that no script
// takes the lines for labels.
func validityLines(entry keystore.Entry) []string {
	summary, err := entry.Summary()
	if err != nil {
		return nil
	}
	return []string{"\t\tNot Before : " + dateText(summary.NotBefore), "\t\tNot After : " + dateText(summary.NotAfter)}
}

// certValidate looks whether the chain of a certificate leads to a trusted CA of
// the database. Revocation lists are not looked at.
func certValidate(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	entry, err := c.find(store, keystore.Personal, keystore.Signer)
	if err != nil {
		return err
	}
	checker, err := crl.NewChecker(crl.CheckerConfig{})
	if err != nil {
		return err
	}
	anchors := store.Anchors()
	if entry.Kind == keystore.Personal && signedItself(entry) {
		anchors = append(anchors, entry.Chain[0]) // it stands for itself
	}
	verdict := checker.Check(ctx, entry.Chain, crl.Policy{Anchors: anchors, Revocation: crl.Off})
	if err := verdict.Err(); err != nil {
		return fmt.Errorf("CTGSK2043W Key entry validation failed.\n%w", err)
	}
	fmt.Fprintln(c.Stdout, "OK")
	return nil
}

// signedItself reports whether an entry's certificate is one that its own key
// signed.
func signedItself(entry keystore.Entry) bool {
	leaf, err := entry.Leaf()
	return err == nil && bytes.Equal(leaf.RawIssuer, leaf.RawSubject) &&
		leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}
