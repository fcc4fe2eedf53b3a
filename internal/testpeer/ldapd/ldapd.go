package ldapd

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/go-ldap/ldap/v3"
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
	scheme   string
	listener net.Listener
	search   func(string)
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

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
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(config.Address, "0"))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("LDAP server: %w", err)
	}
	s := &Server{scheme: "ldap", listener: listener, search: config.OnSearch, ctx: ctx, cancel: cancel, entries: map[string]entry{}}
	if config.TLS != nil {
		s.scheme, s.listener = "ldaps", tls.NewListener(listener, config.TLS)
	}
	s.running.Go(s.accept)
	return s, nil
}

// URL returns the URL of the directory, without a slash at its end.
func (s *Server) URL() string { return s.scheme + "://" + s.Addr() }

// Addr returns the address of the directory, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends the directory and waits for its goroutines.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	s.running.Wait()
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

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { s.serve(conn) })
	}
}

// serve handles one client from its first byte to its last.
func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(s.ctx, func() { conn.Close() })
	defer stop()
	for {
		asked, err := readRequest(conn)
		if err != nil {
			return // one that speaks something else gets no answer
		}
		var answer []byte
		switch asked.operation {
		case bindRequest:
			answer, err = asked.result(bindResponse, ldap.LDAPResultSuccess)
		case searchRequest:
			answer, err = s.find(asked)
		case abandonRequest:
			continue // RFC 4511, 4.11: it has no answer, and its search is over
		default:
			return // an unbind, or what a directory that is only read does not know
		}
		if err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// find answers with the entry that a search names; the scope does not count, and
// every entry passes the filter.
func (s *Server) find(asked request) ([]byte, error) {
	search, err := asked.search()
	if err != nil {
		return asked.result(searchDone, ldap.LDAPResultProtocolError)
	}
	s.search(search.base)
	key, err := keyOf(search.base)
	if err != nil {
		return asked.result(searchDone, ldap.LDAPResultInvalidDNSyntax)
	}
	s.mu.RLock()
	found, ok := s.entries[key]
	s.mu.RUnlock()
	if !ok {
		return asked.result(searchDone, ldap.LDAPResultNoSuchObject)
	}
	answer, err := asked.entry(found, search.wants)
	if err != nil {
		return nil, err
	}
	done, err := asked.result(searchDone, ldap.LDAPResultSuccess)
	return append(answer, done...), err
}
