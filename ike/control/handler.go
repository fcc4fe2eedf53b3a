package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"keyman/ike"
)

// handler is the protocol's table.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /info", s.info)
	mux.HandleFunc("GET /tunnels", s.tunnels)
	mux.HandleFunc("GET /explain", s.explain)
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("POST /log", s.log)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("POST /activate", s.activate)
	mux.HandleFunc("POST /remove", s.remove)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no %s %s", r.Method, r.URL.Path), "")
	})
	return s.guard(mux)
}

// guard turns away other users and other versions.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(versionHeader, strconv.Itoa(Version))
		if uid := uidOf(r.Context()); !s.allowed(uid) {
			s.logger.Warn("a client was turned away", "uid", uid, "path", r.URL.Path)
			refuse(w, http.StatusForbidden, "only root and the daemon's own user may talk to it", "")
			return
		}
		if got := r.Header.Get(versionHeader); got != strconv.Itoa(Version) {
			refuse(w, http.StatusUpgradeRequired,
				fmt.Sprintf("the daemon speaks version %d of its protocol, the client version %q", Version, got),
				"daemon and client must be of the same keyman: start the daemon anew after an update")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, code int, text, hint string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(refusal{text, hint})
}

// read reads the body of a request, which must be one JSON value of known keys.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	deadline := http.NewResponseController(w)
	if err := deadline.SetReadDeadline(time.Now().Add(ClientTimeout)); err != nil {
		return err
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxRequest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the request cannot be read: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the request has something after its JSON value")
	}
	// From here on the connection is watched for the client's going away.
	return deadline.SetReadDeadline(time.Time{})
}

// lines writes an answer of JSON lines.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// begin sends the header, so that the client knows that it is being served.
func begin(w http.ResponseWriter) (*lines, error) {
	w.Header().Set("Content-Type", "application/jsonl")
	l := &lines{w, http.NewResponseController(w)}
	return l, l.flush()
}

// write writes one line. A client that does not read it in time is cut off.
func (l *lines) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := l.control.SetWriteDeadline(time.Now().Add(ClientTimeout)); err != nil {
		return err
	}
	_, err = l.w.Write(append(line, '\n'))
	return err
}

// flush sends what has been written.
func (l *lines) flush() error {
	if err := l.control.SetWriteDeadline(time.Now().Add(ClientTimeout)); err != nil {
		return err
	}
	return l.control.Flush()
}

// send writes one line and sends it.
func (l *lines) send(v any) error {
	if err := l.write(v); err != nil {
		return err
	}
	return l.flush()
}

// cut ends a connection in the middle of an answer, so that the client does not
// take what it has for the whole.
func cut(err error) {
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// self says who answers.
func (s *Server) self() Info { return Info{Version: Version, PID: os.Getpid(), Started: s.started} }

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	l, err := begin(w)
	cut(err)
	cut(l.send(s.self()))
}

func (s *Server) tunnels(w http.ResponseWriter, r *http.Request) {
	list, err := s.engine.List(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
		return
	}
	l, err := begin(w)
	cut(err)
	for _, status := range list {
		cut(l.write(status))
	}
	cut(l.flush())
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	stats, err := s.engine.Stats(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
		return
	}
	l, err := begin(w)
	cut(err)
	cut(l.send(DaemonStatus{s.self(), s.levels.Level(), stats}))
}

func (s *Server) log(w http.ResponseWriter, r *http.Request) {
	var request logRequest
	err := read(w, r, &request)
	switch {
	case err != nil:
	case request.Reread == (request.Level != ""):
		err = errors.New("either a level or that the settings are to be read")
	case request.Reread:
		_, err = s.levels.Reread()
	default:
		err = s.levels.Set(request.Level)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	level := s.levels.Level()
	s.logger.Info("log level", "level", level, "uid", uidOf(r.Context()))
	l, err := begin(w)
	cut(err)
	cut(l.send(logAnswer{level}))
}

// explain answers for the tunnel that the query names with a line, and with one for
// each of the negotiations that were for no tunnel.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	var all []ike.Explanation
	if tunnel := r.URL.Query().Get("tunnel"); tunnel != "" {
		x, err := s.engine.Explain(r.Context(), tunnel)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error(), "")
			return
		}
		all = append(all, x)
	}
	strangers, err := s.engine.ExplainStrangers(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
		return
	}
	l, err := begin(w)
	cut(err)
	for _, x := range append(all, strangers...) {
		cut(l.write(x))
	}
	cut(l.flush())
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	subscription := s.engine.Events(eventBuffer)
	defer subscription.Close()
	l, err := begin(w)
	cut(err)
	for {
		select {
		case event, ok := <-subscription.C:
			if !ok {
				return
			}
			cut(l.send(event))
		case <-r.Context().Done():
			return
		}
	}
}

// checkTunnels refuses lists that no person means.
func checkTunnels(tunnels []string) error {
	if len(tunnels) == 0 {
		return errors.New("no tunnel is named")
	}
	if len(tunnels) > MaxTunnels {
		return fmt.Errorf("%d tunnels in one request: at most %d", len(tunnels), MaxTunnels)
	}
	return nil
}

func (s *Server) activate(w http.ResponseWriter, r *http.Request) {
	var request activateRequest
	err := read(w, r, &request)
	if err == nil {
		err = checkTunnels(request.Tunnels)
	}
	if err == nil {
		err = request.Phase.check()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	s.logger.Info("activate", "tunnels", request.Tunnels, "phase", int(request.Phase), "uid", uidOf(r.Context()))
	l, err := begin(w)
	cut(err)
	ctx := r.Context()
	done := make(chan Activation, len(request.Tunnels)) // so that none waits for a client that has gone
	for _, tunnel := range request.Tunnels {
		go func() {
			activation, err := s.activateOne(ctx, tunnel, request)
			if err != nil {
				activation.Error = err.Error()
			}
			activation.Tunnel = tunnel
			done <- activation
		}()
	}
	var failed error
	for range request.Tunnels {
		// All are awaited, whatever becomes of the client: its going
		// ends them.
		activation := <-done
		if failed == nil {
			failed = l.send(activation)
		}
	}
	cut(failed)
}

// activateOne activates one tunnel of a request.
func (s *Server) activateOne(ctx context.Context, tunnel string, request activateRequest) (a Activation, err error) {
	switch {
	case request.Phase == Phase2:
		activate := s.engine.ActivateData
		if request.Wait {
			activate = s.engine.ActivateDataWait
		}
		data, err := activate(ctx, tunnel)
		if err != nil {
			return a, err
		}
		return Activation{Data: &data}, nil
	case request.Phase == BothPhases:
		a.Status, err = s.engine.ActivateBoth(ctx, tunnel, request.Wait)
	case request.Wait:
		a.Status, err = s.engine.ActivateWait(ctx, tunnel)
	default:
		a.Status, err = s.engine.Activate(ctx, tunnel)
	}
	return a, err
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	var request removeRequest
	err := read(w, r, &request)
	switch {
	case err != nil:
	case request.All && len(request.Tunnels) > 0:
		err = errors.New("either all tunnels or some by name, not both")
	case request.All:
		request.Tunnels, err = s.live(r, request.Phase)
	default:
		err = checkTunnels(request.Tunnels)
	}
	if err == nil {
		err = request.Phase.check()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	remove := map[Phase]func(context.Context, string) (int, error){
		BothPhases: s.engine.Remove, Phase1: s.engine.RemovePhase1, Phase2: s.engine.RemoveData,
	}[request.Phase]
	s.logger.Info("remove", "tunnels", request.Tunnels, "phase", int(request.Phase), "uid", uidOf(r.Context()))
	l, err := begin(w)
	cut(err)
	for _, tunnel := range request.Tunnels {
		removal := Removal{Tunnel: tunnel}
		if removal.Ended, err = remove(r.Context(), tunnel); err != nil {
			removal.Error = err.Error()
		}
		cut(l.send(removal))
	}
}

// live returns the tunnels that have something of a phase to remove.
func (s *Server) live(r *http.Request, phase Phase) ([]string, error) {
	list, err := s.engine.List(r.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	add := func(name string, state ike.TunnelState) bool {
		active := name != "" && (state == ike.TunnelActive || state == ike.TunnelNegotiating)
		if active && !slices.Contains(names, name) {
			names = append(names, name)
		}
		return active
	}
	for _, status := range list {
		added := phase != Phase2 && add(status.Tunnel, status.State)
		for _, data := range status.Data {
			switch {
			case phase == Phase2:
				add(data.Tunnel, data.State)
			case phase == BothPhases && !added:
				add(status.Tunnel, data.State) // it has outlived its phase 1
			}
		}
	}
	return names, nil
}
