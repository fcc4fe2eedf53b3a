package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"

	"keyman/ike"
)

// A Client talks to a daemon. It may be used from many goroutines.
type Client struct {
	path string
	info Info
	http *http.Client
}

// A NoDaemonError is a socket behind which nobody answers.
type NoDaemonError struct {
	Path string
	Err  error
}

func (e *NoDaemonError) Error() string {
	if errors.Is(e.Err, fs.ErrPermission) {
		return fmt.Sprintf("no access to the daemon at %s: %v", e.Path, fs.ErrPermission)
	}
	return "no daemon at " + e.Path
}

func (e *NoDaemonError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *NoDaemonError) Hint() string {
	if errors.Is(e.Err, fs.ErrPermission) {
		return "only root and the daemon's own user may talk to it"
	}
	return "start it with keyman ike daemon, or name its state directory with --state"
}

// A RefusedError is an error that the daemon answered with.
type RefusedError struct {
	Text string
	Fix  string // what to do; may be empty
}

func (e *RefusedError) Error() string { return "the daemon refused: " + e.Text }

// Hint says what to do about it.
func (e *RefusedError) Hint() string { return e.Fix }

// Dial finds the daemon at the socket path and makes sure that it speaks the
// same version of the protocol. The error is a *NoDaemonError where there is
// none.
func Dial(ctx context.Context, path string) (*Client, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: AnswerTimeout}
	c := &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout:  AnswerTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
	}}}
	for info, err := range call[Info](ctx, c, http.MethodGet, "/info", nil) {
		if err != nil {
			c.Close()
			return nil, err
		}
		c.info = info
	}
	return c, nil
}

// Info returns what the daemon said of itself to Dial.
func (c *Client) Info() Info { return c.info }

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// List returns every tunnel, as ike.Engine.List does.
func (c *Client) List(ctx context.Context) ([]ike.Status, error) {
	list := []ike.Status{}
	for status, err := range call[ike.Status](ctx, c, http.MethodGet, "/tunnels", nil) {
		if err != nil {
			return nil, err
		}
		list = append(list, status)
	}
	return list, nil
}

// Status returns what the daemon does.
func (c *Client) Status(ctx context.Context) (DaemonStatus, error) {
	return only[DaemonStatus](ctx, c, http.MethodGet, "/status", nil)
}

// SetLogLevel sets the level of the daemon's log, by its word, until the daemon ends
// or it is set again. An empty one has the daemon read its settings. It returns the
// level in force.
func (c *Client) SetLogLevel(ctx context.Context, level string) (string, error) {
	answer, err := only[logAnswer](ctx, c, http.MethodPost, "/log", logRequest{Level: level, Reread: level == ""})
	return answer.Level, err
}

// Explain tells how the last negotiation of a tunnel, by name or number, went, and
// those that failed before it was known which tunnel they were for. An empty tunnel
// asks for these alone.
func (c *Client) Explain(ctx context.Context, tunnel string) (of *ike.Explanation, strangers []ike.Explanation, err error) {
	for x, err := range call[ike.Explanation](ctx, c, http.MethodGet, "/explain?"+url.Values{"tunnel": {tunnel}}.Encode(), nil) {
		switch {
		case err != nil:
			return nil, nil, err
		case tunnel != "" && of == nil:
			of = &x
		default:
			strangers = append(strangers, x)
		}
	}
	return of, strangers, nil
}

// Activate begins negotiations and tells for each tunnel, by name or number,
// what became of it: at once, or, with wait, when it is active or has failed, in
// the order in which they end. It asks the daemon when it is iterated over.
func (c *Client) Activate(ctx context.Context, phase Phase, tunnels []string, wait bool) iter.Seq2[Activation, error] {
	return call[Activation](ctx, c, http.MethodPost, "/activate", activateRequest{tunnels, wait, phase})
}

// Remove ends the SAs and negotiations of tunnels, by name or number. It asks
// the daemon when it is iterated over.
func (c *Client) Remove(ctx context.Context, phase Phase, tunnels []string) iter.Seq2[Removal, error] {
	return call[Removal](ctx, c, http.MethodPost, "/remove", removeRequest{Tunnels: tunnels, Phase: phase})
}

// RemoveAll ends the SAs and negotiations of all tunnels that have any.
func (c *Client) RemoveAll(ctx context.Context, phase Phase) iter.Seq2[Removal, error] {
	return call[Removal](ctx, c, http.MethodPost, "/remove", removeRequest{All: true, Phase: phase})
}

// Events returns what happens from now on, until ctx ends or the daemon does; in
// the latter case the iteration ends without an error. It must be iterated over
// once, or ctx ended, for the connection to be given back.
func (c *Client) Events(ctx context.Context) (iter.Seq2[ike.Event, error], error) {
	body, err := c.ask(ctx, http.MethodGet, "/events", nil)
	if err != nil {
		return nil, err
	}
	return decode[ike.Event](ctx, body), nil
}

// call asks and decodes the lines of the answer.
func call[T any](ctx context.Context, c *Client, method, path string, request any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		body, err := c.ask(ctx, method, path, request)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		decode[T](ctx, body)(yield)
	}
}

// only is call for an answer of one line.
func only[T any](ctx context.Context, c *Client, method, path string, request any) (value T, err error) {
	for value, err = range call[T](ctx, c, method, path, request) {
		return value, err
	}
	return value, fmt.Errorf("the daemon at %s answered nothing", c.path)
}

// ask sends a request and returns the body of an answer that is 200.
func (c *Client) ask(ctx context.Context, method, path string, request any) (io.ReadCloser, error) {
	var body io.Reader
	if request != nil {
		encoded, err := json.Marshal(request)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	// The host is not used.
	req, err := http.NewRequestWithContext(ctx, method, "http://daemon"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set(versionHeader, strconv.Itoa(Version))
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if resp.StatusCode == http.StatusOK && resp.Header.Get(versionHeader) == strconv.Itoa(Version) {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	if resp.Header.Get(versionHeader) == "" {
		return nil, fmt.Errorf("%s is not the socket of a keyman daemon", c.path)
	}
	var said refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, MaxLine)).Decode(&said); err != nil || said.Error == "" {
		return nil, fmt.Errorf("the daemon at %s answered %s", c.path, resp.Status)
	}
	return nil, &RefusedError{said.Error, said.Hint}
}

// explain tells an absent daemon from other failures.
func (c *Client) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrPermission):
		return &NoDaemonError{c.path, err}
	}
	return fmt.Errorf("the daemon at %s does not answer: %w", c.path, err)
}

// decode reads JSON lines and closes the body.
func decode[T any](ctx context.Context, body io.ReadCloser) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		defer body.Close()
		scanner := bufio.NewScanner(body)
		scanner.Buffer(nil, MaxLine)
		var none T
		for scanner.Scan() {
			var value T
			if err := json.Unmarshal(scanner.Bytes(), &value); err != nil {
				yield(none, fmt.Errorf("the daemon's answer cannot be read: %w", err))
				return
			}
			if !yield(value, nil) {
				return
			}
		}
		switch err := scanner.Err(); {
		case err == nil:
		case ctx.Err() != nil:
			yield(none, ctx.Err())
		default:
			yield(none, fmt.Errorf("the daemon's answer broke off: %w", err))
		}
	}
}
