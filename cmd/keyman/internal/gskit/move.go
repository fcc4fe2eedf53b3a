package gskit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"keyman/crl/certpath"
	"keyman/internal/certpem"
	"keyman/keystore"
)

// certExtract writes a certificate without its key.
func certExtract(ctx context.Context, c *call) error {
	out, err := c.oneOf("target", "file")
	if err != nil {
		return err
	}
	if out == "" {
		return usagef("", "option -target is missing")
	}
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	entry, err := c.find(store, keystore.Personal, keystore.Signer)
	if err != nil {
		return err
	}
	return c.writeForm(out, certpem.TypeCertificate, entry.Chain[0])
}

// from returns the options of the database that certificates come from: -db, or
// -file where it is an exchange file.
func (c *call) from() (source, error) {
	path, err := c.oneOf("db", "file")
	if err != nil {
		return source{}, err
	}
	if path == "" {
		return source{}, usagef("", "option -db is missing")
	}
	if c.has("file") {
		return source{"file", "type", "pw", "stashed"}, nil
	}
	return database(), nil
}

// certExport writes an entry with its key to another database, which is made
// where it is not there; all entries but requests where no label is named.
func certExport(ctx context.Context, c *call) error {
	from, err := c.from()
	if err != nil {
		return err
	}
	c.warnEncryption()
	store, err := c.open(ctx, from)
	if err != nil {
		return err
	}
	labels, err := c.exported(store)
	if err != nil {
		return err
	}
	other, err := c.openTarget(ctx)
	if err != nil {
		return err
	}
	if _, err := other.Import(store, keystore.ImportOptions{Labels: labels, Trust: true}); err != nil {
		return err
	}
	return other.Save(ctx)
}

// exported returns the labels of the entries that are to be exported.
func (c *call) exported(store *keystore.Store) ([]string, error) {
	if c.has("label") {
		entry, err := c.find(store, keystore.Personal, keystore.Signer, keystore.SecretKey)
		return []string{entry.Label}, err
	}
	labels := []string{} // nil would be all of them, requests too
	for entry := range store.Entries() {
		if entry.Kind != keystore.Request {
			labels = append(labels, entry.Label)
		}
	}
	return labels, nil
}

// warnEncryption says that there is no weak encryption.
func (c *call) warnEncryption() {
	if c.value("encryption") == "weak" {
		c.warn("-encryption weak is not done: keys are encrypted with AES-256")
	}
}

// openTarget opens the other database, or makes one in memory: it comes to be when
// it is saved.
func (c *call) openTarget(ctx context.Context) (*keystore.Store, error) {
	path := c.value("target")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return c.open(ctx, target())
	}
	format, err := c.format("target_type", path)
	if err != nil {
		return nil, err
	}
	var password keystore.Password
	if c.has("target_stashed") && !c.has("target_pw") {
		return nil, hint(fmt.Errorf("there is no key database %s, and so no stash file", path), "$0 -keydb -create -stash makes one")
	}
	if password, err = c.newPassword("target_pw", path); err != nil {
		return nil, err
	}
	defer password.Wipe()
	return keystore.New(path, password, keystore.Options{Format: format})
}

// certImport copies entries of another database into this one, all of them
// where no label is named. Trust does not come along, unless the other database
// says so itself.
func certImport(ctx context.Context, c *call) error {
	from, err := c.from()
	if err != nil {
		return err
	}
	c.warnEncryption()
	store, err := c.open(ctx, from)
	if err != nil {
		return err
	}
	other, err := c.open(ctx, target())
	if err != nil {
		return err
	}
	options := keystore.ImportOptions{As: c.value("new_label"), Trust: true}
	if c.has("label") {
		entry, err := c.find(store, keystore.Personal, keystore.Signer, keystore.SecretKey)
		if err != nil {
			return err
		}
		options.Labels = []string{entry.Label}
	} else if options.As != "" {
		if options.Labels, err = onlyPersonal(store); err != nil {
			return err
		}
	}
	done, err := other.Import(store, options)
	if err != nil {
		return err
	}
	if err := other.Save(ctx); err != nil {
		return err
	}
	for _, entry := range done.Added {
		if entry.Kind == keystore.Signer && !entry.Trusted {
			c.warn("%s is not trusted in %s: -cert -modify -trust enable does that", quoted(entry.Label), other.Path())
		}
	}
	return nil
}

// onlyPersonal returns the label of the one entry with a key, to which -new_label
// belongs where no label is named.
func onlyPersonal(store *keystore.Store) ([]string, error) {
	var labels []string
	for entry := range store.Entries() {
		if entry.Kind == keystore.Personal {
			labels = append(labels, entry.Label)
		}
	}
	if len(labels) != 1 {
		return nil, usagef("", "-new_label is for one certificate, and %s has %d with keys: -label names it", store.Path(), len(labels))
	}
	return labels, nil
}

// certReceive takes the certificate for a request of the database.
func certReceive(ctx context.Context, c *call) error {
	certificates, err := c.readCertificates("file")
	if err != nil {
		return err
	}
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := store.Receive(certificates, "", certpath.Between)
		if err != nil {
			return err
		}
		if c.yes("default_cert") {
			return store.SetDefault(entry.Label)
		}
		return nil
	})
}
