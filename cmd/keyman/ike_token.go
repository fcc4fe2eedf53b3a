package main

import (
	"context"
	"fmt"

	"keyman/ike"
	"keyman/keystore"
	"keyman/keystore/pkcs11"
)

// A tokenSet opens the tokens whose keys tunnels name by a URI, each once, and keeps
// them open: their keys sign as long as the daemon runs.
type tokenSet struct {
	app  *app
	pin  *pinFlags
	open map[string]*pkcs11.Token // by the URI of the token alone
}

// addCredentials adds the keys of tokens to those of the key database, whose
// certificates complete the chains of the tokens.
func (s *tokenSet) addCredentials(ctx context.Context, config *ike.Config, store *keystore.Store) error {
	for _, t := range config.DB.Tunnels() {
		name := t.Local.Certificate
		if _, ok := config.Credentials[name]; ok || !pkcs11.IsURI(name) {
			continue
		}
		credential, err := s.credential(ctx, name)
		if err != nil {
			return fmt.Errorf("tunnel %q: %w", t.Name, err)
		}
		credential.Chain = store.Complete(credential.Chain)
		config.Credentials[name] = credential
	}
	return nil
}

func (s *tokenSet) credential(ctx context.Context, name string) (ike.Credential, error) {
	u, err := pkcs11.ParseURI(name)
	if err != nil {
		return ike.Credential{}, err
	}
	if err := needObject(u); err != nil {
		return ike.Credential{}, err
	}
	u.Module = moduleOf("", u)
	token, err := s.token(ctx, u)
	if err != nil {
		return ike.Credential{}, err
	}
	entry, err := token.Lookup(u)
	if err != nil {
		return ike.Credential{}, err
	}
	if len(entry.Chain) == 0 {
		return ike.Credential{}, &keystore.EntryError{Label: entry.Label, Err: keystore.ErrNoCertificate, Detail: "only its key is on the token"}
	}
	signer, err := token.Signer(entry)
	return ike.Credential{Signer: signer, Chain: entry.Chain}, err
}

// token returns the open token of a URI.
func (s *tokenSet) token(ctx context.Context, u pkcs11.URI) (*pkcs11.Token, error) {
	alone := u
	alone.Object, alone.ID, alone.PINSource = "", nil, ""
	if token, ok := s.open[alone.String()]; ok {
		return token, nil
	}
	token, err := s.app.openToken(ctx, u, s.pin)
	if err != nil {
		return nil, err
	}
	if s.open == nil {
		s.open = make(map[string]*pkcs11.Token)
	}
	s.open[alone.String()] = token
	return token, nil
}

// close logs out of all tokens.
func (s *tokenSet) close() {
	for _, token := range s.open {
		if err := token.Close(); err != nil {
			s.app.warnf("%v", err)
		}
	}
}
