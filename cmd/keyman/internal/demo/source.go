package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"keyman/crl"
	"keyman/internal/dn"
)

// watched is a gateway's Source of lists that tells what it fetched, and how long
// it took.
type watched struct {
	source  crl.Source
	gateway *gateway
}

// Lists fetches from a URL.
func (w watched) Lists(ctx context.Context, url string) ([]*crl.List, error) {
	place := "HTTP through the proxy"
	if strings.HasPrefix(url, "ldap") {
		place = "LDAP from the directory"
	}
	return w.watch(place, func() ([]*crl.List, error) { return w.source.Lists(ctx, url) })
}

// ListsByIssuer fetches by the issuer's name.
func (w watched) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*crl.List, error) {
	return w.watch("LDAP from the directory", func() ([]*crl.List, error) { return w.source.ListsByIssuer(ctx, issuer) })
}

func (w watched) watch(place string, fetch func() ([]*crl.List, error)) ([]*crl.List, error) {
	began := time.Now()
	lists, err := fetch()
	took := milliseconds(time.Since(began))
	if err != nil {
		w.gateway.steps.add(Step{Who: w.gateway.name, What: KindFetched, Text: fmt.Sprintf("got no list by %s in %.1f ms: %v", place, took, err)})
		return nil, err
	}
	for _, l := range lists {
		w.gateway.steps.add(Step{Who: w.gateway.name, What: KindFetched, Text: fmt.Sprintf("got list number %v by %s in %.1f ms", l.Number, place, took)})
	}
	return lists, nil
}
