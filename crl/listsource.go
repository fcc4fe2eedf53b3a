package crl

import (
	"context"
	"slices"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// SourceLists gives a ListChecker what a Source fetches: the lists at the names of
// distribution points and freshest-CRL points, and in the directory those of an
// issuer. Nothing is kept.
type SourceLists struct {
	// Source fetches.
	Source Source
	// Order is the order in which protocols are tried; one that is not named
	// is not used. Empty is HTTP, then LDAP.
	Order []Protocol
}

// ListsAt implements ListSource. The names of a point are alternatives (RFC 5280,
// 4.2.1.13): the next one is asked where one fails, or is slow.
func (s SourceLists) ListsAt(ctx context.Context, at ListPlace) ([]*List, error) {
	all, err := s.places(at)
	if err != nil {
		return nil, err
	}
	type answer struct {
		lists []*List
		err   error
	}
	var errs severalErrors
	for _, a := range follow(ctx, len(all), func(ctx context.Context, i int) answer {
		lists, err := all[i].lookup(ctx)
		return answer{lists, err}
	}) {
		if a.err == nil {
			return a.lists, nil
		}
		errs = append(errs, a.err)
	}
	if len(errs) == 0 {
		return nil, nil // nobody to ask
	}
	return nil, errs
}

// places returns where to look, best first.
func (s SourceLists) places(at ListPlace) ([]place, error) {
	names := at.Names
	if len(names) == 0 {
		names = []cert.GeneralName{{Kind: cert.DirectoryName, Value: at.Issuer}}
	}
	order := s.Order
	if len(order) == 0 {
		order = defaultOrder
	}
	var all []place
	for _, protocol := range order {
		for _, g := range names[:min(len(names), maxPoints)] {
			switch {
			case g.Kind == cert.URIName && protocolOf(g.Text()) == protocol:
				all = append(all, placeOfURL(s.Source, g.Text()))
			case g.Kind == cert.DirectoryName && protocol == LDAP:
				name, err := dn.FromDER(g.Value)
				if err != nil {
					return nil, err
				}
				all = append(all, placeOfName(s.Source, name))
			}
		}
	}
	return slices.CompactFunc(all, func(a, b place) bool { return a.name == b.name }), nil
}
