package demo

import (
	"encoding/json"
	"io"
	"slices"
	"sync"
	"time"

	"keyman/crl"
)

// A Kind says what a Step is about.
type Kind string

// What a Step is about.
const (
	KindIntro       Kind = "intro"       // what this is about
	KindPart        Kind = "part"        // a part of the demonstration begins
	KindFounded     Kind = "founded"     // the CA was founded
	KindKey         Kind = "key"         // a gateway made its key and its request
	KindIssued      Kind = "issued"      // the CA issued a certificate
	KindReceived    Kind = "received"    // a gateway received its certificate
	KindServing     Kind = "serving"     // a server or a gateway listens
	KindPublished   Kind = "published"   // the CA made and published a list
	KindRevoked     Kind = "revoked"     // the CA revoked a certificate
	KindStarted     Kind = "started"     // a gateway begins a negotiation
	KindMessage     Kind = "message"     // a message of main mode was sent
	KindProxied     Kind = "proxied"     // the proxy connected somebody
	KindServed      Kind = "served"      // a server answered
	KindFetched     Kind = "fetched"     // a gateway got a list, or did not
	KindVerdict     Kind = "verdict"     // a gateway decided about its peer's certificate
	KindHeard       Kind = "heard"       // a gateway was notified by its peer
	KindEstablished Kind = "established" // the tunnel is up on one side
	KindRefused     Kind = "refused"     // a gateway gave the negotiation up
	KindClosed      Kind = "closed"      // the tunnel ended on one side
	KindFlushed     Kind = "flushed"     // a gateway forgot the lists it had
	KindDifferent   Kind = "different"   // something came out differently
	KindDone        Kind = "done"        // the end
)

// A Step is one line of the time line.
type Step struct {
	// Milliseconds is the time since the beginning.
	Milliseconds float64 `json:"ms"`
	// Who did it: "ca", "gw-a", "gw-b", "socks4", "http", "ldap"; empty for
	// the demonstration itself.
	Who  string `json:"who,omitempty"`
	What Kind   `json:"what"`
	Text string `json:"text"`
	// Reasons are those of a verdict.
	Reasons []crl.Reason `json:"reasons,omitempty"`

	at time.Time
}

// A timeline collects steps from all goroutines and prints them in the order in
// which they happened.
type timeline struct {
	began time.Time
	print func(Step) error

	mu    sync.Mutex // guards steps
	steps []Step
}

func newTimeline(cfg Config) *timeline {
	t := &timeline{began: time.Now(), print: newText(cfg).print}
	if cfg.JSON {
		t.print = func(s Step) error { return printJSON(cfg.Out, s) }
	}
	return t
}

func printJSON(w io.Writer, s Step) error {
	return json.NewEncoder(w).Encode(s)
}

// milliseconds is a duration in milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// add notes a step that happens now.
func (t *timeline) add(s Step) { t.addAt(time.Now(), s) }

// addAt notes a step that happened at a time. It may be called from many
// goroutines.
func (t *timeline) addAt(at time.Time, s Step) {
	s.at, s.Milliseconds = at, milliseconds(at.Sub(t.began))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, s)
}

// flush prints what has been noted. It is called where nothing earlier can come
// any more.
func (t *timeline) flush() error {
	t.mu.Lock()
	steps := t.steps
	t.steps = nil
	t.mu.Unlock()
	slices.SortStableFunc(steps, func(a, b Step) int { return a.at.Compare(b.at) })
	for _, s := range steps {
		if err := t.print(s); err != nil {
			return err
		}
	}
	return nil
}
