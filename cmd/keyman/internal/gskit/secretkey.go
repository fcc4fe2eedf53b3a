package gskit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strconv"

	"keyman/cmd/keyman/internal/outfile"
	"keyman/keystore"
)

// secretType is the label of a secret key in PEM as gskcapicmd writes it.
const secretType = "SECRET KEY"

// Bounds of a secret key that is made, in bytes.
const (
	minSecret   = 16
	maxSecret   = 64
	usualSecret = 32
	// maxSecretFile bounds a file with a key that is added: a PEM file with text
	// around the longest key is shorter.
	maxSecretFile = 4 * keystore.MaxSecretKey
)

func secretkeyActions() []action {
	return []action{
		{name: "-add", required: []string{"db", "label", "file"}, optional: dbOptions("format"), run: secretAdd},
		{name: "-create", required: []string{"db", "label"}, optional: dbOptions("size"), run: secretCreate},
		{name: "-delete", required: []string{"db", "label"}, optional: dbOptions(), run: secretDelete},
		{name: "-details", required: []string{"db", "label"}, optional: dbOptions(), run: secretDetails},
		{name: "-extract", required: []string{"db", "label", "target"}, optional: dbOptions("format"), run: secretExtract},
		{name: "-list", required: []string{"db"}, optional: dbOptions(), run: secretList},
		{name: "-rename", required: []string{"db", "label", "new_label"}, optional: dbOptions(), run: secretRename},
	}
}

// secretAdd adds the bytes of a file as a key: those of a PEM block that -extract
// wrote, or else all that there are, a line's end with them.
func secretAdd(ctx context.Context, c *call) error {
	data, err := readFile(c.value("file"), maxSecretFile)
	if err != nil {
		return err
	}
	defer clear(data)
	if block, rest := pem.Decode(data); block != nil && block.Type == secretType && len(bytes.TrimSpace(rest)) == 0 {
		data = block.Bytes
	}
	return c.change(ctx, func(store *keystore.Store) error { return store.AddSecretKey(c.value("label"), data) })
}

// secretCreate makes a random key.
func secretCreate(ctx context.Context, c *call) error {
	size := usualSecret
	if c.has("size") {
		var err error
		if size, err = strconv.Atoi(c.value("size")); err != nil || size < minSecret || size > maxSecret {
			return usagef("", "-size %q: a number of bytes from %d to %d", c.value("size"), minSecret, maxSecret)
		}
	}
	key := make([]byte, size)
	defer clear(key)
	rand.Read(key) // it never fails
	return c.change(ctx, func(store *keystore.Store) error { return store.AddSecretKey(c.value("label"), key) })
}

func secretDelete(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.SecretKey)
		if err != nil {
			return err
		}
		return store.Delete(entry.Label, false)
	})
}

// secretOf returns the key that the options name, which its user wipes.
func (c *call) secretOf(ctx context.Context) (keystore.Entry, []byte, error) {
	store, err := c.open(ctx, database())
	if err != nil {
		return keystore.Entry{}, nil, err
	}
	entry, err := c.find(store, keystore.SecretKey)
	if err != nil {
		return entry, nil, err
	}
	key, err := entry.SecretKey()
	return entry, key, err
}

// secretDetails tells of a key what may be told.
func secretDetails(ctx context.Context, c *call) error {
	entry, key, err := c.secretOf(ctx)
	if err != nil {
		return err
	}
	defer clear(key)
	fmt.Fprintf(c.Stdout, "Label : %s\nKey Size : %d\n", quoted(entry.Label), 8*len(key))
	return nil
}

// secretExtract writes a key to a file, in the clear and for its owner alone.
func secretExtract(ctx context.Context, c *call) error {
	entry, key, err := c.secretOf(ctx)
	if err != nil {
		return err
	}
	defer clear(key)
	data := key
	if c.value("format") != "binary" {
		data = pem.EncodeToMemory(&pem.Block{Type: secretType, Bytes: key})
		defer clear(data)
	}
	if err := outfile.Secret(c.value("target"), data); err != nil {
		return fmt.Errorf("%q: %w", entry.Label, err)
	}
	return nil
}

func secretList(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	found := false
	for entry := range store.Entries() {
		if entry.Kind != keystore.SecretKey {
			continue
		}
		if !found {
			fmt.Fprintln(c.Stdout, "Secret keys found\n* default, - personal, ! trusted, # secret key")
			found = true
		}
		fmt.Fprintf(c.Stdout, "#\t%s\n", quoted(entry.Label))
	}
	if !found {
		fmt.Fprintln(c.Stdout, "No secret keys were found.")
	}
	return nil
}

func secretRename(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.SecretKey)
		if err != nil {
			return err
		}
		return store.Rename(entry.Label, c.value("new_label"))
	})
}
