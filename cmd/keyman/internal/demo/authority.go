package demo

import (
	"context"
	"fmt"
	"math/big"
	"path/filepath"

	"keyman/ca"
	"keyman/csr"
	"keyman/internal/dn"
)

const (
	// caName and caSubject are the CA's folder and name.
	caName    = "vpn"
	caSubject = "C=CH, O=Example, CN=Example VPN CA"
)

// authority is the CA, in the place and the form in which "keyman ca" keeps it.
type authority struct {
	ca    *ca.CA
	name  dn.Name
	steps *timeline
}

// foundAuthority founds the CA below a state directory.
func foundAuthority(ctx context.Context, s *scenario) (*authority, error) {
	name, err := dn.Parse(caSubject)
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, "ca", caName)
	store, err := s.newStore(ctx, dir, "ca.p12")
	if err != nil {
		return nil, err
	}
	urls := []string{s.places.webURL(), s.places.directoryURL(name)}
	c, err := ca.Init(ctx, dir, ca.Options{Subject: name, Signer: key, Settings: ca.Settings{CRLURLs: urls}})
	if err != nil {
		return nil, err
	}
	if err := store.AddKey("ca", key, [][]byte{c.Certificate()}); err != nil {
		return nil, err
	}
	if err := store.Save(ctx); err != nil {
		return nil, err
	}
	s.steps.add(Step{Who: "ca", What: KindFounded, Text: fmt.Sprintf("founded: %s", name)})
	s.steps.add(Step{Who: "ca", What: KindFounded, Text: "its certificates will name two places of its revocation list:"})
	for _, u := range urls {
		s.steps.add(Step{Who: "ca", What: KindFounded, Text: u})
	}
	return &authority{c, name, s.steps}, nil
}

// issue issues a certificate for a request, DER.
func (a *authority) issue(ctx context.Context, request []byte) (*ca.Issued, error) {
	parsed, err := csr.Parse(request)
	if err != nil {
		return nil, err
	}
	issued, err := a.ca.Issue(ctx, parsed, ca.IssueOptions{})
	if err != nil {
		return nil, err
	}
	a.steps.add(Step{Who: "ca", What: KindIssued, Text: fmt.Sprintf("issued %s to %s", issued.Record.Serial, parsed.Subject.CommonName())})
	return issued, nil
}

// revoke revokes a certificate because its key is in wrong hands.
func (a *authority) revoke(ctx context.Context, issued *ca.Issued) (ca.Record, error) {
	serial, ok := new(big.Int).SetString(issued.Record.Serial, 16)
	if !ok {
		return ca.Record{}, fmt.Errorf("serial number %q", issued.Record.Serial)
	}
	record, err := a.ca.Revoke(ctx, serial, ca.RevokeOptions{Reason: ca.KeyCompromise})
	if err != nil {
		return ca.Record{}, err
	}
	a.steps.add(Step{Who: "ca", What: KindRevoked, Text: fmt.Sprintf("revoked %s (%v)", record.Serial, record.Revoked.Reason)})
	return record, nil
}

// publish makes the next list and publishes it.
func (a *authority) publish(ctx context.Context, places *publishing) error {
	list, err := a.ca.MakeCRL(ctx, ca.CRLOptions{})
	if err != nil {
		return err
	}
	if err := places.publish(a.name, list.List); err != nil {
		return err
	}
	a.steps.add(Step{Who: "ca", What: KindPublished, Text: fmt.Sprintf("published list number %d, revoked certificates: %d", list.Number, list.Entries)})
	return nil
}
