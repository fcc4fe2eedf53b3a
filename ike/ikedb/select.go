package ikedb

import (
	"fmt"
	"slices"
)

// A Kind is a kind of definition, by the name of its table in a TOML file.
type Kind string

// The kinds.
const (
	KindTunnel         Kind = "tunnel"
	KindProtection     Kind = "protection"
	KindGroup          Kind = "group"
	KindPresharedKey   Kind = "preshared-key"
	KindDataTunnel     Kind = "data-tunnel"
	KindDataProtection Kind = "data-protection"
	KindProposal       Kind = "proposal"
)

// Kinds returns the kinds in the order in which definitions are written: what is
// referred to comes first.
func Kinds() []Kind {
	return []Kind{KindProposal, KindDataProtection, KindProtection, KindGroup, KindPresharedKey, KindTunnel, KindDataTunnel}
}

// Len returns how many definitions there are.
func (d Definitions) Len() int {
	n := 0
	for _, kind := range Kinds() {
		n += len(d.Names(kind))
	}
	return n
}

// Names returns the names of the definitions of a kind: of a preshared key, its
// first identity.
func (d Definitions) Names(kind Kind) []string {
	switch kind {
	case KindTunnel:
		return tables(d.Tunnels, func(t Tunnel) string { return t.Name })
	case KindProtection:
		return tables(d.Protections, func(p Protection) string { return p.Name })
	case KindGroup:
		return tables(d.Groups, func(g Group) string { return g.Name })
	case KindPresharedKey:
		return tables(d.PresharedKeys, func(k PresharedKey) string {
			if len(k.IDs) == 0 {
				return ""
			}
			return k.IDs[0].String()
		})
	case KindDataTunnel:
		return tables(d.DataTunnels, func(t DataTunnel) string { return t.Name })
	case KindDataProtection:
		return tables(d.DataProtections, func(p DataProtection) string { return p.Name })
	case KindProposal:
		return tables(d.Proposals, func(p Proposal) string { return p.Name })
	}
	return nil
}

// A Selection says which definitions are meant: all of a kind, or one of it. The
// zero Selection is all of every kind.
type Selection struct {
	Kind Kind
	// Name is that of a definition; not that of a preshared key.
	Name string
	// ID is an identity by which a preshared key is found.
	ID Identity
}

// matches reports whether a definition of a kind is meant, by its name or by the
// identities of a preshared key.
func (s Selection) matches(kind Kind, name string, ids []Identity) bool {
	switch {
	case s.Kind != "" && s.Kind != kind:
		return false
	case !s.ID.IsZero():
		return slices.ContainsFunc(ids, s.ID.Match)
	}
	return s.Name == "" || s.Name == name
}

// String says what is meant, for errors.
func (s Selection) String() string {
	switch {
	case s.Kind == "":
		return "any definition"
	case !s.ID.IsZero():
		return fmt.Sprintf("%s of %v", s.Kind, s.ID)
	case s.Name != "":
		return fmt.Sprintf("%s %q", s.Kind, s.Name)
	}
	return string(s.Kind)
}

// Select returns the definitions that are meant.
func (d Definitions) Select(s Selection) Definitions {
	return d.filter(s.matches)
}

// Without returns the definitions that are not meant.
func (d Definitions) Without(s Selection) Definitions {
	return d.filter(func(kind Kind, name string, ids []Identity) bool { return !s.matches(kind, name, ids) })
}

func (d Definitions) filter(keep func(kind Kind, name string, ids []Identity) bool) Definitions {
	return Definitions{
		Tunnels:       kept(d.Tunnels, func(t Tunnel) bool { return keep(KindTunnel, t.Name, nil) }),
		Protections:   kept(d.Protections, func(p Protection) bool { return keep(KindProtection, p.Name, nil) }),
		Groups:        kept(d.Groups, func(g Group) bool { return keep(KindGroup, g.Name, nil) }),
		PresharedKeys: kept(d.PresharedKeys, func(k PresharedKey) bool { return keep(KindPresharedKey, "", k.IDs) }),
		DataTunnels:   kept(d.DataTunnels, func(t DataTunnel) bool { return keep(KindDataTunnel, t.Name, nil) }),
		DataProtections: kept(d.DataProtections, func(p DataProtection) bool {
			return keep(KindDataProtection, p.Name, nil)
		}),
		Proposals: kept(d.Proposals, func(p Proposal) bool { return keep(KindProposal, p.Name, nil) }),
	}
}

func kept[T any](all []T, keep func(T) bool) []T {
	var some []T
	for _, one := range all {
		if keep(one) {
			some = append(some, one)
		}
	}
	return some
}

// A reference names a definition.
type reference struct {
	kind Kind
	name string
}

// Closure returns the definitions that are meant and all that they refer to:
// tunnels to their protections, groups and preshared keys, data tunnels to their
// tunnels, and so on.
func (d Definitions) Closure(s Selection) Definitions {
	wanted := make(map[reference]bool)
	secrets := make(map[string]bool) // by Identity.Key
	groups := make(map[string]Group, len(d.Groups))
	for _, g := range d.Groups {
		groups[g.Name] = g
	}
	want := func(kind Kind, name string) { wanted[reference{kind, name}] = true }
	signs := make(map[string]bool, len(d.Protections))
	for _, p := range d.Protections {
		signs[p.Name] = p.Signatures()
	}
	wantSecrets := func(t Tunnel) {
		addressed, err := AddrIdentity(t.Remote.Address)
		if err != nil || !t.Remote.Address.IsValid() {
			addressed = Identity{}
		}
		for _, id := range append([]Identity{t.Remote.ID, addressed}, groups[t.Remote.Group].IDs...) {
			secrets[id.Key()] = true
		}
	}
	meant := func(kind Kind, name string, ids []Identity) bool {
		return s.matches(kind, name, ids) || wanted[reference{kind, name}]
	}
	// Who refers comes before what is referred to.
	for _, t := range d.DataTunnels {
		if meant(KindDataTunnel, t.Name, nil) {
			want(KindTunnel, t.Tunnel)
			want(KindDataProtection, t.Protection)
			want(KindGroup, t.Remote.Group)
		}
	}
	for _, t := range d.Tunnels {
		if meant(KindTunnel, t.Name, nil) {
			want(KindProtection, t.Protection)
			want(KindGroup, t.Remote.Group)
			if !signs[t.Protection] {
				wantSecrets(t)
			}
		}
	}
	for _, p := range d.Protections {
		if meant(KindProtection, p.Name, nil) {
			want(KindDataProtection, p.Generic.Protection)
		}
	}
	for _, p := range d.DataProtections {
		if meant(KindDataProtection, p.Name, nil) {
			for _, name := range p.Proposals {
				want(KindProposal, name)
			}
		}
	}
	return d.filter(func(kind Kind, name string, ids []Identity) bool {
		return meant(kind, name, ids) || slices.ContainsFunc(ids, func(id Identity) bool { return secrets[id.Key()] })
	})
}
