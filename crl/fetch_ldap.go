package crl

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

const (
	// maxValues bounds the lists taken from one answer.
	maxValues = 16
	// maxEntries bounds the entries that a search may return.
	maxEntries = 16
)

// byLDAP gets the lists at an LDAP URL.
func (f *Fetcher) byLDAP(ctx context.Context, u *url.URL) ([]*List, error) {
	query, err := parseLDAPURL(u)
	if err != nil {
		return nil, err
	}
	if query.server == "" {
		if query.server = f.config.LDAPServer; query.server == "" {
			return nil, fmt.Errorf("the URL names no host, and %w", ErrNoDirectory)
		}
	}
	return f.search(ctx, query)
}

// search connects, searches once and parses what comes. A value that is no list
// does not spoil the others.
func (f *Fetcher) search(ctx context.Context, query ldapQuery) ([]*List, error) {
	conn, err := f.ldapDial.DialContext(ctx, "tcp", query.server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// go-ldap takes no context while it waits: a deadline in the past wakes it.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	found, err := f.converse(ctx, conn, query)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("the entry %q holds no revocation list", query.base)
	case len(found) > maxValues:
		return nil, fmt.Errorf("the answer holds more than %d lists", maxValues)
	}
	var (
		lists []*List
		bad   error
	)
	for _, value := range found {
		l, err := parseData(value.der, f.config.Limits)
		if err != nil {
			bad = err
			continue
		}
		if value.authority {
			l.setAuthority()
		}
		lists = append(lists, l)
	}
	if len(lists) == 0 {
		return nil, bad
	}
	return lists, nil
}

// A value is one attribute value of an answer.
type value struct {
	der       []byte
	authority bool // of authorityRevocationList alone
}

// converse speaks LDAP on a fresh connection and returns the values found.
func (f *Fetcher) converse(ctx context.Context, conn net.Conn, query ldapQuery) ([]value, error) {
	if query.tls {
		host, _, err := net.SplitHostPort(query.server)
		if err != nil {
			return nil, err
		}
		config := f.config.tlsConfig()
		config.ServerName = host
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	guard := newLDAPGuard(conn, f.config.Limits.bytes())
	if f.config.LDAPVersion == 2 {
		// Version 3 needs no bind (RFC 4511, 4.2), version 2 does.
		if err := bindV2(guard); err != nil {
			return nil, err
		}
	}
	l := ldap.NewConn(guard, query.tls)
	l.SetTimeout(f.config.SearchTime)
	l.Start()
	defer l.Close()
	result, err := l.Search(ldap.NewSearchRequest(query.base, query.scope, ldap.NeverDerefAliases,
		maxEntries, seconds(f.config.SearchTime), false, query.filter, query.attributes, nil))
	if err != nil {
		if refused := guard.refusal(); refused != nil {
			return nil, refused
		}
		return nil, wordLDAP(err, query)
	}
	if len(result.Entries) == 0 && len(result.Referrals) > 0 {
		return nil, fmt.Errorf("the server refers to %q, which is not followed", result.Referrals[0])
	}
	return values(result.Entries, query, guard), nil
}

// values collects the values that were asked for, each once, of entries in which
// the guard's tokens stand for them. A list that lies in
// authorityRevocationList and in another attribute, too, is not one for CA
// certificates only. One more value than maxValues is enough.
func values(entries []*ldap.Entry, query ldapQuery, guard *ldapGuard) []value {
	var all []value
	for _, authority := range []bool{false, true} {
		for _, entry := range entries {
			for _, attribute := range entry.Attributes {
				name, _, _ := strings.Cut(attribute.Name, ";")
				if strings.EqualFold(name, authorityAttribute) != authority || !query.wants(name) {
					continue
				}
				for _, token := range attribute.ByteValues {
					der, ok := guard.value(token)
					if !ok || slices.ContainsFunc(all, func(v value) bool { return bytes.Equal(v.der, der) }) {
						continue
					}
					if all = append(all, value{der, authority}); len(all) > maxValues {
						return all
					}
				}
			}
		}
	}
	return all
}

// wordLDAP gives the errors that users meet words of their own.
func wordLDAP(err error, query ldapQuery) error {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.ResultCode {
	case ldap.LDAPResultNoSuchObject:
		return fmt.Errorf("the server has no entry %q", query.base)
	case ldap.LDAPResultReferral:
		return errors.New("the server refers to another one, which is not followed")
	default:
		return wordResult(e)
	}
}

// wordResult puts a result into words. The server writes the message, and may
// choose a code of those by which the library means that the connection failed.
func wordResult(e *ldap.Error) error {
	if e.ResultCode == ldap.ErrorNetwork {
		return fmt.Errorf("the connection ended: %q", e.Err.Error())
	}
	text := fmt.Sprintf("the server answered with LDAP result %d", e.ResultCode)
	if name := ldap.LDAPResultCodeMap[e.ResultCode]; name != "" {
		text += ", " + name
	}
	if message := e.Err.Error(); message != "" {
		text += fmt.Sprintf(": %q", message)
	}
	return errors.New(text)
}

// bindV2 does an anonymous bind of LDAP version 2 (RFC 1777, 4.1): go-ldap
// speaks version 3 only, but the searches of both are alike.
func bindV2(conn net.Conn) error {
	const request = "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x02\x04\x00\x80\x00"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	packet, err := ber.ReadPacket(conn)
	if err != nil {
		return fmt.Errorf("bind with LDAP version 2: %w", err)
	}
	if err := ldap.GetLDAPError(packet); err != nil {
		var e *ldap.Error
		if errors.As(err, &e) {
			err = wordResult(e)
		}
		return fmt.Errorf("bind with LDAP version 2: %w", err)
	}
	return nil
}

// wants reports whether an attribute, named without options, was asked for.
// Options such as ;binary do not count (RFC 4522: servers add it), nor does case.
func (q ldapQuery) wants(name string) bool {
	for _, attribute := range q.attributes {
		attribute, _, _ = strings.Cut(attribute, ";")
		if strings.EqualFold(name, attribute) {
			return true
		}
	}
	return false
}

// seconds rounds up to whole seconds, as LDAP counts.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
