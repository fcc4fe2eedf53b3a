package control

import (
	"context"
	"net"
	"sync"
)

// A door lets a bounded number of clients in at once and asks the kernel who
// each one is.
type door struct {
	*Listener
	slots  chan struct{}
	closed chan struct{}
	close  func() error
}

func newDoor(l *Listener, clients int) *door {
	d := &door{Listener: l, slots: make(chan struct{}, clients), closed: make(chan struct{})}
	d.close = sync.OnceValue(func() error {
		close(d.closed)
		return l.Close()
	})
	return d
}

// Accept waits for a free place, then for a client.
func (d *door) Accept() (net.Conn, error) {
	select {
	case d.slots <- struct{}{}:
	case <-d.closed:
		return nil, net.ErrClosed
	}
	leave := sync.OnceFunc(func() { <-d.slots })
	conn, err := d.AcceptUnix()
	if err != nil {
		leave()
		return nil, err
	}
	uid, err := peerUID(conn)
	if err != nil {
		uid = unknownUID
	}
	return &client{conn, uid, leave}, nil
}

// Close closes the socket.
func (d *door) Close() error { return d.close() }

// unknownUID is nobody's.
const unknownUID = -1

// A client is a connection whose user is known.
type client struct {
	*net.UnixConn
	uid   int
	leave func()
}

// Close gives the place up.
func (c *client) Close() error {
	defer c.leave()
	return c.UnixConn.Close()
}

// uidKey is the key of the user id in a connection's context.
type uidKey struct{}

// withUID puts the user of a connection into its context.
func withUID(ctx context.Context, c net.Conn) context.Context {
	uid := unknownUID
	if c, ok := c.(*client); ok {
		uid = c.uid
	}
	return context.WithValue(ctx, uidKey{}, uid)
}

// uidOf returns the user that a request comes from.
func uidOf(ctx context.Context) int {
	if uid, ok := ctx.Value(uidKey{}).(int); ok {
		return uid
	}
	return unknownUID
}
