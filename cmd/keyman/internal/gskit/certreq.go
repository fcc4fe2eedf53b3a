package gskit

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"keyman/csr"
	"keyman/keystore"
)

// requestType is the label of a request in PEM as gskcapicmd writes it (RFC 7468,
// 7, knows both).
const requestType = "NEW " + csr.PEMType

func certreqActions() []action {
	making := []string{"size", "sig_alg", "san_dnsname", "san_emailaddr", "san_ipaddr", "san_uri", "eku", "ku", "ca"}
	return []action{
		{name: "-create", required: []string{"db", "label", "dn"}, optional: append(dbOptions("file", "target", "format"), making...), run: certreqCreate},
		{name: "-delete", required: []string{"db", "label"}, optional: dbOptions(), run: certreqDelete},
		{name: "-details", required: []string{"db", "label"}, optional: dbOptions("showoid"), run: certreqDetails},
		{name: "-extract", required: []string{"db", "label", "target"}, optional: dbOptions("format"), run: certreqExtract},
		{name: "-list", required: []string{"db"}, optional: dbOptions(), run: certreqList},
		{name: "-recreate", required: []string{"db", "label", "target"}, optional: dbOptions("format", "sig_alg"), run: certreqRecreate},
	}
}

func certreqCreate(ctx context.Context, c *call) error {
	out, err := c.oneOf("file", "target")
	if err != nil {
		return err
	}
	if out == "" {
		return usagef("", "option -file is missing")
	}
	s, err := c.signing()
	if err != nil {
		return err
	}
	if _, err := c.keySpec(s); err != nil {
		return err
	}
	template, err := c.template(s)
	if err != nil {
		return err
	}
	var request []byte
	err = c.change(ctx, func(store *keystore.Store) error {
		key, err := c.newKey(store, s)
		if err != nil {
			return err
		}
		if request, err = csr.Create(template, key); err != nil {
			return err
		}
		return store.AddRequest(c.value("label"), key, request)
	})
	if err != nil {
		return err
	}
	return c.writeRequest(out, request)
}

// writeRequest writes a request that is in the database already.
func (c *call) writeRequest(path string, request []byte) error {
	if err := c.writeForm(path, requestType, request); err != nil {
		return hint(fmt.Errorf("the request is in the database, but: %w", err), "$0 -certreq -extract writes it again")
	}
	return nil
}

func certreqDelete(ctx context.Context, c *call) error {
	return c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.Request)
		if err != nil {
			return err
		}
		return store.Delete(entry.Label, false)
	})
}

// findRequest finds a request that is more than its key.
func (c *call) findRequest(ctx context.Context) (keystore.Entry, error) {
	store, err := c.open(ctx, database())
	if err != nil {
		return keystore.Entry{}, err
	}
	entry, err := c.find(store, keystore.Request)
	if err == nil && entry.Request == nil {
		err = hint(fmt.Errorf("%q: only the key is in %s, the request is not", entry.Label, store.Path()), "$0 -certreq -create makes another")
	}
	return entry, err
}

func certreqDetails(ctx context.Context, c *call) error {
	entry, err := c.findRequest(ctx)
	if err != nil {
		return err
	}
	return c.showRequest(entry)
}

func certreqExtract(ctx context.Context, c *call) error {
	entry, err := c.findRequest(ctx)
	if err != nil {
		return err
	}
	return c.writeForm(c.value("target"), requestType, entry.Request)
}

func certreqList(ctx context.Context, c *call) error {
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	found := false
	for entry := range store.Entries() {
		if entry.Kind != keystore.Request {
			continue
		}
		if !found {
			fmt.Fprintln(c.Stdout, "Certificates requests found")
			found = true
		}
		fmt.Fprintf(c.Stdout, "\t%s\n", quoted(entry.Label))
	}
	if !found {
		fmt.Fprintln(c.Stdout, "No certificate requests were found.")
	}
	return nil
}

// certreqRecreate makes a request for a key that is there: that of a certificate
// which is to be renewed, or of a request that waits.
func certreqRecreate(ctx context.Context, c *call) error {
	s, err := c.signing()
	if err != nil {
		return err
	}
	var request []byte
	err = c.change(ctx, func(store *keystore.Store) error {
		entry, err := c.find(store, keystore.Personal, keystore.Request)
		if err != nil {
			return err
		}
		template, err := templateOf(entry)
		if err != nil {
			return err
		}
		template.Hash = s.hash
		create := func(key crypto.Signer) ([]byte, error) { return csr.Create(template, key) }
		request, err = recreate(store, entry, create)
		return err
	})
	if err != nil {
		return err
	}
	return c.writeRequest(c.value("target"), request)
}

// templateOf returns what the certificate or the request of an entry asks for.
func templateOf(entry keystore.Entry) (csr.Template, error) {
	if entry.Kind == keystore.Personal {
		t, _, err := csr.FromCertificate(entry.Chain[0])
		return t, err
	}
	if entry.Request == nil {
		return csr.Template{}, fmt.Errorf("%q: only the key is in the database, the request is not", entry.Label)
	}
	request, err := csr.Parse(entry.Request)
	if err != nil {
		return csr.Template{}, fmt.Errorf("%q: %w", entry.Label, err)
	}
	t, _ := csr.FromRequest(request)
	return t, nil
}

// recreate puts a new request for the key of an entry into the store. For a
// certificate it waits beside it, and -cert -receive puts the new certificate in
// the place of the old one.
func recreate(store *keystore.Store, entry keystore.Entry, create func(crypto.Signer) ([]byte, error)) ([]byte, error) {
	if entry.Kind == keystore.Personal {
		renewal, err := store.Renew(entry.Label, nil, create)
		if !errors.Is(err, keystore.ErrDuplicateLabel) {
			return renewal.Request, err
		}
		// It was recreated before, and waits.
		var taken *keystore.EntryError
		if !errors.As(err, &taken) {
			return nil, err
		}
		var ok bool
		if entry, ok = store.Lookup(taken.Label); !ok || entry.Kind != keystore.Request {
			return nil, err
		}
	}
	key, err := entry.Signer()
	if err != nil {
		return nil, err
	}
	request, err := create(key)
	if err != nil {
		return nil, err
	}
	return request, store.SetRequest(entry.Label, request)
}
