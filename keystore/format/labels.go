package format

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// Labels hands out labels of which no two are the same, whatever their case. The
// zero value is ready.
type Labels struct {
	used map[string]bool
	next map[string]int
}

// Take returns the label that is wanted, or where it is taken the same with a
// number behind.
func (l *Labels) Take(wanted string) string {
	if l.used == nil {
		l.used = make(map[string]bool)
	}
	unique, folded := wanted, strings.ToLower(wanted)
	taken := folded
	for l.used[taken] {
		if l.next == nil {
			l.next = make(map[string]int)
		}
		l.next[folded]++
		unique = fmt.Sprintf("%s (%d)", wanted, l.next[folded]+1)
		taken = strings.ToLower(unique)
	}
	l.used[taken] = true
	return unique
}

// NameItems gives every item a label that no other one has, as Decode must. One
// that has none in its file gets that of NameOf.
func NameItems(items []Item) {
	labels := Labels{used: make(map[string]bool, len(items))}
	for i := range items {
		wanted := items[i].Label
		if wanted == "" {
			wanted = NameOf(items[i])
		}
		items[i].Label = labels.Take(wanted)
	}
}

// NameOf makes a label for an item that has none: the common name of its
// certificate, or what it is.
func NameOf(item Item) string {
	certificate, err := x509.ParseCertificate(item.Certificate)
	if err != nil || certificate.Subject.CommonName == "" {
		return item.Kind.String()
	}
	return certificate.Subject.CommonName
}
