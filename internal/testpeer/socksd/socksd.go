package socksd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// greetingTimeout bounds the time a client may take for its request.
const greetingTimeout = 10 * time.Second

// A Connect is one request that the proxy has served or refused.
type Connect struct {
	Protocol string // "socks4", "socks4a" or "socks5"
	UserID   string // SOCKS4 only
	Target   string // host:port as the client named it
	Err      error  // nil where the target was reached
}

// Config says how a Server behaves.
type Config struct {
	// Address to listen on; empty is a free port of 127.0.0.1.
	Address string
	// Dial reaches the targets; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// OnConnect, where set, is told of every request after it was served or
	// refused and before data flows. It is called from several goroutines.
	OnConnect func(Connect)
}

// A Server is a running proxy.
type Server struct {
	config   Config
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// Start listens and serves until Close.
func Start(config Config) (*Server, error) {
	if config.Address == "" {
		config.Address = "127.0.0.1:0"
	}
	if config.Dial == nil {
		config.Dial = (&net.Dialer{}).DialContext
	}
	if config.OnConnect == nil {
		config.OnConnect = func(Connect) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.Address)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("SOCKS server: %w", err)
	}
	s := &Server{config: config, listener: listener, ctx: ctx, cancel: cancel}
	s.running.Go(s.accept)
	return s, nil
}

// Addr returns the address that the proxy listens on, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends the proxy and waits for all its goroutines.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	s.running.Wait()
	return err
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
func (s *Server) serve(client net.Conn) {
	defer client.Close()
	stop := context.AfterFunc(s.ctx, func() { client.Close() })
	defer stop()

	_ = client.SetDeadline(time.Now().Add(greetingTimeout))
	in := bufio.NewReader(client)
	request, err := readRequest(in, client)
	if err != nil {
		return
	}
	target, err := s.config.Dial(s.ctx, "tcp", request.target)
	s.config.OnConnect(Connect{Protocol: request.protocol, UserID: request.userID, Target: request.target, Err: err})
	if err != nil {
		_, _ = client.Write(request.refused)
		return
	}
	defer target.Close()
	stopTarget := context.AfterFunc(s.ctx, func() { target.Close() })
	defer stopTarget()
	if _, err := client.Write(request.granted); err != nil {
		return
	}
	_ = client.SetDeadline(time.Time{})
	relay(client, in, target)
}

// relay copies both ways until both sides have ended.
func relay(client net.Conn, fromClient io.Reader, target net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { _, err := io.Copy(target, fromClient); endWrite(target, err) })
	both.Go(func() { _, err := io.Copy(client, target); endWrite(client, err) })
	both.Wait()
}

// endWrite passes the end of one direction on: as an end where the copy went
// well, as a broken connection where it did not.
func endWrite(conn net.Conn, err error) {
	half, ok := conn.(interface{ CloseWrite() error })
	if err == nil && ok && half.CloseWrite() == nil {
		return
	}
	conn.Close()
}
