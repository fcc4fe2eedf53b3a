package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"keyman/internal/dn"
	"keyman/internal/testpeer/ldapd"
	"keyman/internal/testpeer/socksd"
)

const (
	// listHost is the host of the HTTP server in the certificates. No DNS
	// has names below .invalid (RFC 2606, 2): who gets the list from there
	// got it through the proxy.
	listHost = "pki.invalid"
	listPath = "/ca.crl"
	// listAttribute is where a directory has a CA's list (RFC 4523, 2.4).
	listAttribute = "certificateRevocationList"
	// headerTimeout bounds a request to the HTTP server.
	headerTimeout = 5 * time.Second
)

// publishing is where the CA publishes its list: a web server, which only the
// proxy reaches, and a directory.
type publishing struct {
	web       *http.Server
	webEnded  chan error
	proxy     *socksd.Server
	directory *ldapd.Server

	list    atomic.Pointer[[]byte] // what the web server serves
	proxied atomic.Int64           // connections that the proxy made to it
}

// startPublishing starts the servers.
func startPublishing(ctx context.Context, steps *timeline) (_ *publishing, err error) {
	p := &publishing{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.web = &http.Server{ReadHeaderTimeout: headerTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := p.list.Load()
		if r.URL.Path != listPath || list == nil {
			steps.add(Step{Who: "http", What: KindServed, Text: fmt.Sprintf("answers %s %s with \"not found\"", r.Method, r.URL.Path)})
			http.NotFound(w, r)
			return
		}
		steps.add(Step{Who: "http", What: KindServed, Text: fmt.Sprintf("answers %s %s with %d bytes", r.Method, r.URL.Path, len(*list))})
		w.Header().Set("Content-Type", "application/pkix-crl")
		_, _ = w.Write(*list)
	})}
	p.webEnded = make(chan error, 1)
	go func() { p.webEnded <- p.web.Serve(listener) }()

	p.proxy, err = socksd.Start(socksd.Config{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != net.JoinHostPort(listHost, "80") {
				return nil, fmt.Errorf("%s is not for this proxy", address)
			}
			return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
		},
		OnConnect: func(c socksd.Connect) {
			if c.Err == nil {
				p.proxied.Add(1)
				steps.add(Step{Who: "socks4", What: KindProxied, Text: fmt.Sprintf("connects %s to %s (%s)", c.UserID, c.Target, c.Protocol)})
				return
			}
			steps.add(Step{Who: "socks4", What: KindProxied, Text: fmt.Sprintf("refuses %s the way to %s (%s): %v", c.UserID, c.Target, c.Protocol, c.Err)})
		},
	})
	if err != nil {
		return nil, err
	}
	p.directory, err = ldapd.Start(ldapd.Config{OnSearch: func(base string) {
		steps.add(Step{Who: "ldap", What: KindServed, Text: "finds " + base})
	}})
	if err != nil {
		return nil, err
	}
	steps.add(Step{Who: "http", What: KindServing, Text: fmt.Sprintf("web server on %s, known as %s", listener.Addr(), listHost)})
	steps.add(Step{Who: "socks4", What: KindServing, Text: fmt.Sprintf("proxy on %s, the only way to %s", p.proxy.Addr(), listHost)})
	steps.add(Step{Who: "ldap", What: KindServing, Text: fmt.Sprintf("directory on %s", p.directory.Addr())})
	return p, nil
}

// webURL is where the list is by HTTP.
func (p *publishing) webURL() string { return "http://" + listHost + listPath }

// directoryURL is where the list of a CA is by LDAP.
func (p *publishing) directoryURL(issuer dn.Name) string {
	u := url.URL{Scheme: "ldap", Host: p.directory.Addr(), Path: "/" + issuer.LDAP(), RawQuery: listAttribute}
	return u.String()
}

// proxyURL is how a gateway names the proxy, with its user ID.
func (p *publishing) proxyURL(user string) *url.URL {
	return &url.URL{Scheme: "socks4a", User: url.User(user), Host: p.proxy.Addr()}
}

// publish puts a CA's list in both places.
func (p *publishing) publish(issuer dn.Name, list []byte) error {
	p.list.Store(&list)
	return p.directory.Put(issuer.LDAP(), ldapd.Attributes{listAttribute + ";binary": {list}})
}

// close ends the servers that were started.
func (p *publishing) close() error {
	var errs []error
	if p.web != nil {
		errs = append(errs, p.web.Close())
		if err := <-p.webEnded; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	if p.proxy != nil {
		errs = append(errs, p.proxy.Close())
	}
	if p.directory != nil {
		errs = append(errs, p.directory.Close())
	}
	return errors.Join(errs...)
}
