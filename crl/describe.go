package crl

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"keyman/internal/der"
)

// An Info describes a list for people and programs.
type Info struct {
	Source             string          `json:"source,omitempty"`
	Issuer             string          `json:"issuer"`
	Version            int             `json:"version"`
	Number             string          `json:"number,omitempty"`
	ThisUpdate         time.Time       `json:"this_update"`
	NextUpdate         time.Time       `json:"next_update,omitzero"`
	SignatureAlgorithm string          `json:"signature_algorithm"`
	Revoked            int             `json:"revoked"`
	Size               int             `json:"size"`
	SHA256             string          `json:"sha256"`
	Extensions         []ExtensionInfo `json:"extensions"`
}

// An ExtensionInfo describes an extension.
type ExtensionInfo struct {
	OID      string `json:"oid"`
	Name     string `json:"name,omitempty"` // as RFC 5280 calls it
	Critical bool   `json:"critical"`
	Value    string `json:"value"`
}

// An EntryInfo describes an entry.
type EntryInfo struct {
	Serial         string    `json:"serial"` // hexadecimal
	Date           time.Time `json:"date"`
	Reason         string    `json:"reason"`
	InvalidityDate time.Time `json:"invalidity_date,omitzero"`
}

// Info describes the list without its entries.
func (l *List) Info() Info {
	info := Info{
		Source: l.Source, Issuer: l.Issuer.String(), Version: l.Version, ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate,
		SignatureAlgorithm: l.SignatureAlgorithm, Revoked: l.Len(), Size: len(l.raw),
		SHA256: fmt.Sprintf("%x", sha256.Sum256(l.raw)), Extensions: []ExtensionInfo{},
	}
	if l.Number != nil {
		info.Number = l.Number.String()
	}
	for _, e := range l.Extensions {
		info.Extensions = append(info.Extensions, l.describe(e))
	}
	return info
}

// Info describes the entry.
func (e Entry) Info() EntryInfo {
	return EntryInfo{Serial: der.OctetsText(e.Serial), Date: e.Date, Reason: e.Reason.String(), InvalidityDate: e.InvalidityDate}
}

// extensionNames are the extensions that lists have, as RFC 5280 calls them.
var extensionNames = map[string]string{
	"2.5.29.18":         "issuerAltName",
	"2.5.29.20":         "cRLNumber",
	"2.5.29.27":         "deltaCRLIndicator",
	"2.5.29.28":         "issuingDistributionPoint",
	"2.5.29.35":         "authorityKeyIdentifier",
	"2.5.29.46":         "freshestCRL",
	"2.5.29.60":         "expiredCertsOnCRL",
	"1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
}

// maxShown bounds the bytes of an extension that are written in hexadecimal.
const maxShown = 64

// describe puts an extension into words.
func (l *List) describe(e Extension) ExtensionInfo {
	info := ExtensionInfo{OID: e.OID, Name: extensionNames[e.OID], Critical: e.Critical}
	switch info.Name {
	case "cRLNumber":
		info.Value = l.Number.String()
	case "deltaCRLIndicator":
		info.Value = "completes number " + l.DeltaBase.String()
	case "authorityKeyIdentifier":
		info.Value = fmt.Sprintf("key %x", l.AuthorityKeyID)
	case "issuingDistributionPoint":
		info.Value = l.Scope.String()
	case "freshestCRL":
		info.Value = "delta lists at " + freshest(e.Value)
	default:
		info.Value = fmt.Sprintf("%x", e.Value[:min(len(e.Value), maxShown)])
		if len(e.Value) > maxShown {
			info.Value += fmt.Sprintf("... (%d bytes)", len(e.Value))
		}
	}
	return info
}

// freshest lists the URIs of a freshest CRL extension.
func freshest(value []byte) string {
	all, err := parsePoints(value)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	var uris []string
	for _, p := range all {
		if name, err := newPointName(p.Name); err == nil && name != nil {
			uris = append(uris, name.URIs...)
		}
	}
	return strings.Join(uris, ", ")
}

// String puts the scope into words.
func (s *Scope) String() string {
	var parts []string
	if s.Point != nil {
		parts = append(parts, "point "+s.Point.String())
	}
	for _, flag := range []struct {
		set   bool
		words string
	}{
		{s.OnlyUserCerts, "end-entity certificates only"},
		{s.OnlyCACerts, "CA certificates only"},
		{s.OnlyAttributeCerts, "attribute certificates only"},
		{s.OnlySomeReasons, "some reasons only"},
		{s.Indirect, "indirect"},
	} {
		if flag.set {
			parts = append(parts, flag.words)
		}
	}
	if len(parts) == 0 {
		return "all certificates"
	}
	return strings.Join(parts, ", ")
}

// String lists the names of the point.
func (p *PointName) String() string {
	names := append([]string{}, p.URIs...)
	for _, n := range p.Names {
		names = append(names, n.String())
	}
	if p.Relative {
		names = append(names, "(relative to the issuer's name)")
	}
	return strings.Join(names, " or ")
}
