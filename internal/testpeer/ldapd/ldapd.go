package ldapd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

const (
	// startTries bounds how many ports are tried.
	startTries = 10
	// startLimit bounds the time until one of them accepts connections.
	startLimit = 5 * time.Second
	// tryEach is how long to wait between two attempts to connect.
	tryEach = 2 * time.Millisecond
)

// Config says how a Server behaves.
type Config struct {
	// Address is the IP address to listen on; empty is 127.0.0.1. The port is
	// a free one.
	Address string
	// TLS, where set, makes the server speak ldaps.
	TLS *tls.Config
	// OnSearch, where set, is told the base of every search. It is called from
	// several goroutines.
	OnSearch func(base string)
}

// Attributes are the values of an entry, by the attribute's name with its
// options, such as certificateRevocationList;binary.
type Attributes map[string][][]byte

// A Server is a running directory.
type Server struct {
	url    string
	server *gldap.Server
	ended  chan struct{}
	search func(string)

	mu      sync.RWMutex
	entries map[string]entry // by key
}

type entry struct {
	name       string
	attributes Attributes
}

// Start listens and serves until Close.
func Start(config Config) (*Server, error) {
	if config.Address == "" {
		config.Address = "127.0.0.1"
	}
	if config.OnSearch == nil {
		config.OnSearch = func(string) {}
	}
	// gldap listens by itself and does not tell the port that it got, so the
	// port is chosen before, and another one where somebody was faster.
	var errs []error
	for range startTries {
		s, err := start(config)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("LDAP server: %w", errors.Join(errs...))
}

func start(config Config) (*Server, error) {
	address, err := freePort(config.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{url: "ldap://" + address, ended: make(chan struct{}), search: config.OnSearch, entries: map[string]entry{}}
	served := make(chan struct{}, 1)
	noteServed := func(int) {
		select {
		case served <- struct{}{}:
		default:
		}
	}
	if s.server, err = gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()), gldap.WithOnClose(noteServed)); err != nil {
		return nil, err
	}
	mux, err := gldap.NewMux()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(mux.Bind(bind), mux.Search(s.serveSearch), s.server.Router(mux)); err != nil {
		return nil, err
	}
	var options []gldap.Option
	if config.TLS != nil {
		s.url = "ldaps://" + address
		options = append(options, gldap.WithTLSConfig(config.TLS))
	}
	var failed error
	go func() {
		defer close(s.ended)
		failed = s.server.Run(address, options...)
	}()
	if err := s.accepts(address, served); err != nil {
		closed := s.Close()
		return nil, errors.Join(err, closed, failed)
	}
	return s, nil
}

func freePort(ip string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// accepts waits until the server accepts connections, and has served the one by
// which that was tried: gldap must not be stopped while it takes one in.
func (s *Server) accepts(address string, served <-chan struct{}) error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	again := time.NewTicker(tryEach)
	defer again.Stop()
	for {
		conn, err := net.DialTimeout("tcp", address, startLimit) //nolint:noctx // the server ends by Close
		if err == nil {
			if err := conn.Close(); err != nil {
				return err
			}
			select {
			case <-served:
				return nil
			case <-s.ended:
				return errors.New("the server ended")
			case <-limit.C:
				return errors.New("the server does not serve")
			}
		}
		select {
		case <-s.ended:
			return err
		case <-limit.C:
			return err
		case <-again.C:
		}
	}
}

// URL returns the URL of the directory, without a slash at its end.
func (s *Server) URL() string { return s.url }

// Addr returns the address of the directory, host:port.
func (s *Server) Addr() string {
	_, address, _ := strings.Cut(s.url, "://")
	return address
}

// Close ends the directory and waits for its goroutines.
func (s *Server) Close() error {
	err := s.server.Stop()
	<-s.ended
	return err
}

// Put adds an entry or replaces it. The name is in the order of LDAP (RFC 4514).
func (s *Server) Put(name string, attributes Attributes) error {
	key, err := keyOf(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = entry{name, attributes}
	return nil
}

// Remove takes an entry away.
func (s *Server) Remove(name string) error {
	key, err := keyOf(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

// keyOf makes names equal that differ in case or white space only.
func keyOf(name string) (string, error) {
	parsed, err := ldap.ParseDN(name)
	if err != nil {
		return "", fmt.Errorf("name %q: %w", name, err)
	}
	return strings.ToLower(parsed.String()), nil
}

// bind lets everybody in.
func bind(w *gldap.ResponseWriter, r *gldap.Request) {
	response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	_ = w.Write(response)
}

// serveSearch answers with the entry that the search names; the scope does not
// count, and every entry passes the filter.
func (s *Server) serveSearch(w *gldap.ResponseWriter, r *gldap.Request) {
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultNoSuchObject))
	defer func() { _ = w.Write(done) }()
	message, err := r.GetSearchMessage()
	if err != nil {
		done.SetResultCode(gldap.ResultProtocolError)
		return
	}
	s.search(message.BaseDN)
	key, err := keyOf(message.BaseDN)
	if err != nil {
		done.SetResultCode(gldap.ResultInvalidDNSyntax)
		return
	}
	s.mu.RLock()
	found, ok := s.entries[key]
	s.mu.RUnlock()
	if !ok {
		return
	}
	response := r.NewSearchResponseEntry(found.name)
	for name, values := range found.attributes {
		if wanted(message.Attributes, name) {
			response.AddAttribute(name, texts(values))
		}
	}
	_ = w.Write(response)
	done.SetResultCode(gldap.ResultSuccess)
}

// wanted reports whether a client that asks for some attributes gets this one:
// it gets cn;x for cn, and everything for nothing (RFC 4511, 4.5.1.8).
func wanted(asked []string, name string) bool {
	if len(asked) == 0 {
		return true
	}
	plain, _, _ := strings.Cut(name, ";")
	for _, a := range asked {
		if a == "*" || strings.EqualFold(a, name) || strings.EqualFold(a, plain) {
			return true
		}
	}
	return false
}

func texts(values [][]byte) []string {
	all := make([]string, 0, len(values))
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
