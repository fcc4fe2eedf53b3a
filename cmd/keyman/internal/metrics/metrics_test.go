package metrics

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"keyman/ike"
)

type source struct {
	stats ike.Stats
	err   error
}

func (s source) Stats(context.Context) (ike.Stats, error) { return s.stats, s.err }

// get serves a source, asks for a path and ends the server.
func get(t *testing.T, s source, path string) (int, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, s) }()
	answer, err := http.Get("http://" + listener.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	return answer.StatusCode, string(text)
}

func TestServe(t *testing.T) {
	code, text := get(t, source{stats: ike.Stats{
		Tunnels: 1, Active: 2, Negotiating: 3, Received: 4, Sent: 5, TurnedAway: 6,
		Started: 7, Established: 8, Refused: 9, Failed: 10, Closed: 23, Revoked: 12,
	}}, "/metrics")
	const want = `# TYPE keyman_tunnels gauge
keyman_tunnels 1
# TYPE keyman_phase1_active gauge
keyman_phase1_active 2
# TYPE keyman_phase1_negotiating gauge
keyman_phase1_negotiating 3
# TYPE keyman_messages_received_total counter
keyman_messages_received_total 4
# TYPE keyman_messages_sent_total counter
keyman_messages_sent_total 5
# TYPE keyman_messages_turned_away_total counter
keyman_messages_turned_away_total 6
# TYPE keyman_negotiations_started_total counter
keyman_negotiations_started_total 7
# TYPE keyman_negotiations_established_total counter
keyman_negotiations_established_total 8
# TYPE keyman_negotiations_failed_total counter
keyman_negotiations_failed_total{cause="certificate"} 9
keyman_negotiations_failed_total{cause="other"} 10
# TYPE keyman_phase1_closed_total counter
keyman_phase1_closed_total{cause="certificate"} 12
keyman_phase1_closed_total{cause="other"} 11
`
	if code != http.StatusOK || text != want {
		t.Errorf("%d\n%s", code, text)
	}
	if code, _ := get(t, source{}, "/"); code != http.StatusNotFound {
		t.Errorf("another path: %d", code)
	}
	if code, text := get(t, source{err: errors.New("it has ended")}, "/metrics"); code != http.StatusServiceUnavailable || !strings.Contains(text, "it has ended") {
		t.Errorf("no counts: %d %s", code, text)
	}
}
