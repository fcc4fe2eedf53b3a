package crl

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxHeader bounds the head of an HTTP answer, in bytes.
	maxHeader = 64 << 10
	// userAgent names the program to servers.
	userAgent = "keyman"
)

// newHTTPClient returns a client that keeps no connection and asks no proxy but
// the configured ones. It unpacks nothing: a broken transfer is taken up again
// by the octets that were sent.
func newHTTPClient(dial dialers, config FetcherConfig) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dial.http.DialContext(fetchOf(ctx), network, address)
			},
			DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				ctx = fetchOf(ctx)
				conn, err := dial.https.DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return startTLS(ctx, conn, address, config)
			},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case r.URL.Scheme != "http" && r.URL.Scheme != "https":
				return fmt.Errorf("redirected to scheme %q, which is not followed", r.URL.Scheme)
			case r.URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "https":
				// Who asks by https does not want the way to be open to others.
				return errors.New("redirected from https to http, which is not followed")
			case r.URL.User != nil:
				return errors.New("redirected to a URL with a user name, which is not followed")
			case len(via) > config.Redirects:
				return fmt.Errorf("redirected more than %d times", max(config.Redirects, 0))
			}
			return nil
		},
	}
}

// fetchKey is the key of a fetch's own context among its values.
type fetchKey struct{}

// asFetch returns a context that fetchOf finds again.
func asFetch(ctx context.Context) context.Context { return context.WithValue(ctx, fetchKey{}, ctx) }

// fetchOf returns the context of the fetch for which a connection is made.
// net/http gives the dialer one that goes on when the request has ended, so that
// the connection may serve the next one: a proxy that says nothing would hold it
// for ever, and no connection is kept here.
func fetchOf(ctx context.Context) context.Context {
	if fetch, ok := ctx.Value(fetchKey{}).(context.Context); ok {
		return fetch
	}
	return ctx
}

// startTLS begins TLS with the host of address, or closes the connection.
func startTLS(ctx context.Context, conn net.Conn, address string, config FetcherConfig) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs, ServerName: host})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// byHTTP gets one list, or learns that the one at hand still stands.
func (f *Fetcher) byHTTP(ctx context.Context, u *url.URL, have Validators) (Reply, error) {
	if u.Hostname() == "" {
		return Reply{}, errors.New("the URL names no host")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d := &download{ctx: asFetch(ctx), client: f.client, url: u.String(), resumes: maxResumes, pace: newPace(f.config.MinRate, cancel), limit: f.config.Limits.bytes()}
	reply, err := d.get(have, f.config.Limits)
	if slow := (slowError{}); errors.As(context.Cause(ctx), &slow) {
		return Reply{}, slow
	}
	return reply, err
}

// get asks once, and reads the list that comes.
func (d *download) get(have Validators, limits Limits) (Reply, error) {
	if err := d.ask(have.conditions()); err != nil {
		return Reply{}, err
	}
	defer d.close()
	d.begin()
	response := d.answer
	reply := Reply{Validators: validatorsOf(response.Header), MaxAge: maxAgeOf(response.Header)}
	switch {
	case response.StatusCode == http.StatusNotModified && have != (Validators{}):
		reply.NotModified = true
		if reply.Validators == (Validators{}) {
			reply.Validators = have // RFC 9110, 15.4.5: what is not repeated stands
		}
		return reply, nil
	case response.StatusCode != http.StatusOK:
		return Reply{}, fmt.Errorf("the server answered %q", response.Status)
	case response.ContentLength > d.limit:
		return Reply{}, fmt.Errorf("the server announces %d bytes: %w", response.ContentLength, tooLarge(d.limit))
	}
	var (
		content io.Reader = d
		err     error
	)
	switch strings.ToLower(d.encoding) {
	case "", "identity":
	case "gzip", "x-gzip":
		if content, err = gzip.NewReader(d); err != nil {
			return Reply{}, err
		}
	default:
		return Reply{}, fmt.Errorf("the server packed the list by %q, which was not asked for", d.encoding)
	}
	l, err := Parse(content, limits) // which bounds what comes out, too
	if err != nil {
		if d.total >= 0 && d.got == d.total {
			err = fmt.Errorf("%w (the server announced and sent %d bytes)", err, d.total)
		}
		return Reply{}, err
	}
	l.validators = reply.Validators
	reply.Lists = []*List{l}
	return reply, nil
}

// ask sends one request with some header lines, and keeps the answer.
func (d *download) ask(header http.Header) error {
	request, err := http.NewRequestWithContext(d.ctx, http.MethodGet, d.url, http.NoBody)
	if err != nil {
		return err
	}
	request.Header = header
	header.Set("User-Agent", userAgent)
	header.Set("Accept-Encoding", "gzip")
	response, err := d.client.Do(request) //nolint:bodyclose // close does it
	if err != nil {
		// url.Error repeats the URL, which the caller names already.
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return err
	}
	d.answer = response
	return nil
}
