package crl

import (
	"bytes"
	"context"
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
	if query.server != "" {
		return f.search(ctx, query)
	}
	lists, err := f.searchDirectories(ctx, query)
	if errors.Is(err, ErrNoDirectory) {
		err = fmt.Errorf("the URL names no host, and %w", err)
	}
	return lists, err
}

// searchDirectories searches the configured servers one after the other, within
// what is left of the time, until one has a list.
func (f *Fetcher) searchDirectories(ctx context.Context, query ldapQuery) ([]*List, error) {
	servers := f.config.LDAPServers
	if len(servers) == 0 {
		return nil, ErrNoDirectory
	}
	var errs []error
	for i, server := range servers {
		query.server, query.tls, query.configured = server.Address, server.TLS, true
		one, cancel := shareOf(ctx, len(servers)-i)
		lists, err := f.search(one, query)
		cancel()
		if err == nil {
			for _, l := range lists {
				l.Source = server.url(query.base)
			}
			return lists, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", server.Address, err))
	}
	return nil, severalErrors(errs)
}

// severalErrors are the errors of several servers, on one line.
type severalErrors []error

func (e severalErrors) Unwrap() []error { return e }

func (e severalErrors) Error() string {
	var words []string
	for _, err := range e {
		words = append(words, err.Error())
	}
	return strings.Join(words, "; ")
}

// url names an entry of a server.
func (s LDAPServer) url(entry string) string {
	scheme := "ldap://"
	if s.TLS {
		scheme = "ldaps://"
	}
	return scheme + s.Address + "/" + url.PathEscape(entry)
}

// dialLDAP connects to the server of a query.
func (f *Fetcher) dialLDAP(ctx context.Context, query ldapQuery) (net.Conn, error) {
	dial := f.dial.ldap
	switch {
	case query.tls && query.configured:
		dial = f.dial.directoryTLS
	case query.tls:
		dial = f.dial.ldaps
	case query.configured:
		dial = f.dial.directory
	}
	return dial.DialContext(ctx, "tcp", query.server)
}

// search connects, searches once and parses what comes. A value that is no list
// does not spoil the others.
func (f *Fetcher) search(ctx context.Context, query ldapQuery) ([]*List, error) {
	conn, err := f.dialLDAP(ctx, query)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer conn.Close()
	// go-ldap takes no context while it waits: a deadline in the past wakes it.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	found, err := f.converse(ctx, conn, query, newPace(f.config.MinRate, cancel))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
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
func (f *Fetcher) converse(ctx context.Context, conn net.Conn, query ldapQuery, pace *pace) ([]value, error) {
	if f.config.StartTLS && query.configured && !query.tls {
		if err := askStartTLS(conn); err != nil {
			return nil, err
		}
		query.tls = true
	}
	if query.tls {
		var err error
		if conn, err = startTLS(ctx, conn, query.server, f.config); err != nil {
			return nil, err
		}
	}
	guard := newLDAPGuard(conn, f.config.Limits.bytes())
	guard.pace = pace
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
	if err := readResult(conn); err != nil {
		return fmt.Errorf("bind with LDAP version 2: %w", err)
	}
	return nil
}

// askStartTLS asks a server to begin TLS on this connection (RFC 4511, 4.14). The
// library's own way reads around the guard.
func askStartTLS(conn net.Conn) error {
	const request = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	guard := newLDAPGuard(conn, 0)
	if err := readResult(guard); err != nil {
		return fmt.Errorf("StartTLS: %w", err)
	}
	if guard.in.Buffered() > 0 || len(guard.ready) > 0 {
		// Somebody on the way would have it taken for what the server says by
		// TLS (RFC 4511, 4.14.1).
		return errors.New("StartTLS: the server goes on to speak without TLS")
	}
	return nil
}

// readResult reads the result of an operation that returns nothing else.
func readResult(from io.Reader) error {
	packet, err := ber.ReadPacket(from)
	if err != nil {
		return err
	}
	err = ldap.GetLDAPError(packet)
	if e := (*ldap.Error)(nil); errors.As(err, &e) {
		return wordResult(e)
	}
	return err
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
