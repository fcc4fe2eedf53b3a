package crl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"keyman/internal/dialer"
)

const (
	// maxHeader bounds the head of an HTTP answer, in bytes.
	maxHeader = 64 << 10
	// userAgent names the program to servers.
	userAgent = "keyman"
)

// newHTTPClient returns a client that keeps no connection and asks no proxy but
// the configured one.
func newHTTPClient(dial dialer.ContextDialer, config FetcherConfig) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dial.DialContext,
			TLSClientConfig:        config.tlsConfig(),
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case r.URL.Scheme != "http" && r.URL.Scheme != "https":
				return fmt.Errorf("redirected to scheme %q, which is not followed", r.URL.Scheme)
			case r.URL.User != nil:
				return errors.New("redirected to a URL with a user name, which is not followed")
			case len(via) > config.Redirects:
				return fmt.Errorf("redirected more than %d times", max(config.Redirects, 0))
			}
			return nil
		},
	}
}

// byHTTP gets one list. Compressed answers are unpacked by net/http as they are
// read, so that the limit holds for what comes out.
func (f *Fetcher) byHTTP(ctx context.Context, u *url.URL) ([]*List, error) {
	if u.Hostname() == "" {
		return nil, errors.New("the URL names no host")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	response, err := f.client.Do(request)
	if err != nil {
		// url.Error repeats the URL, which the caller names already.
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return nil, err
	}
	defer response.Body.Close()
	switch limit := f.config.Limits.bytes(); {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server answered %q", response.Status)
	case response.ContentLength > limit:
		return nil, fmt.Errorf("the server announces %d bytes: %w of %d bytes", response.ContentLength, ErrTooLarge, limit)
	}
	l, err := Parse(response.Body, f.config.Limits)
	if err != nil {
		return nil, err
	}
	return []*List{l}, nil
}
