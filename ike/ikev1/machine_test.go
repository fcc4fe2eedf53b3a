package ikev1

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/ike/suite"
)

// machines are all tables of steps, by what the drawing calls them.
var machines = []struct {
	name  string
	steps []step
}{
	{"main mode, initiator", mainInitiator},
	{"main mode, responder", mainResponder},
	{"aggressive mode, initiator", aggressiveInitiator},
	{"aggressive mode, responder", aggressiveResponder},
}

// drawing writes the machines as ARCHITECTURE.md shows them.
func drawing() string {
	var b strings.Builder
	for _, m := range machines {
		fmt.Fprintf(&b, "%s\n", m.name)
		for _, st := range m.steps {
			names := make([]string, len(st.to))
			for i, to := range st.to {
				names[i] = to.String()
			}
			fmt.Fprintf(&b, "  %-35s --%s--> %s\n", st.from, st.on, strings.Join(names, " | "))
		}
	}
	return b.String()
}

// TestDrawing compares the drawing of the states in ARCHITECTURE.md with the
// tables; -update draws it anew.
func TestDrawing(t *testing.T) {
	const file, begin, end = "../../ARCHITECTURE.md", "<!-- drawn by go test ./ike/ikev1 -run TestDrawing -update -->\n```\n", "```\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	drawn, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no drawing of the states", file)
	}
	if drawn == drawing() {
		return
	}
	if !*update {
		t.Fatalf("the drawing in %s is not that of the tables:\n%s", file, drawing())
	}
	if err := os.WriteFile(file, []byte(before+begin+drawing()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A transition is a state, a trigger and the state after it.
type transition struct {
	machine  string
	from, to State
	on       trigger
}

// TestTransitions negotiates until every step of the tables has been seen, and
// none that is not in them.
func TestTransitions(t *testing.T) {
	declared := make(map[transition]bool)
	for _, m := range machines {
		for _, st := range m.steps {
			for _, to := range st.to {
				declared[transition{m.name, st.from, to, st.on}] = false
			}
		}
	}
	rough := conditions{loss: 0.1, duplicate: 0.2, latency: time.Millisecond, jitter: 40 * time.Millisecond}
	pairs := []simConfig{
		testPair(t, "aes128-sha256-ecp256", suite.RSASignature),
		testPair(t, "aes128-sha256-ecp256", suite.PresharedKey),
		testPair(t, "aes128-sha256-ecp256", suite.RSASignature).aggressive(),
		testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(),
	}
	missing := len(declared)
	for seed := int64(0); missing > 0 && seed < 400; seed++ {
		s := newSimulation(t, seed, pairs[seed%4], rough)
		s.observe = func(tr transition) {
			seen, known := declared[tr]
			switch {
			case !known:
				t.Errorf("seed %d: %s: %v --%s--> %v is in no table", seed, tr.machine, tr.from, tr.on, tr.to)
			case !seen:
				declared[tr] = true
				missing--
			}
		}
		s.begin()
		s.run(time.Minute)
	}
	for tr, seen := range declared {
		if !seen {
			t.Errorf("%s: %v --%s--> %v never happens", tr.machine, tr.from, tr.on, tr.to)
		}
	}
}

// handle feeds an event to a side and tells observe what it led to.
func (s *simulation) handle(to int, ev Event) []Effect {
	sa := s.sides[to].sa
	from, kept := sa.State(), sa.pending
	effects := sa.Handle(s.now, ev)
	if s.observe == nil || sa.State().ended() {
		return effects
	}
	on, ok := triggerOf(sa, from, ev)
	if !ok || sa.State() == from && (kept != nil) == (sa.pending != nil) {
		return effects // nothing moved
	}
	name := machines[slices.IndexFunc(machines, func(m struct {
		name  string
		steps []step
	}) bool {
		return &m.steps[0] == &sa.machine[0]
	})].name
	if on == onSecret && kept != nil && sa.pending == nil {
		// Two steps at once: the secret, and the message that waited for it.
		s.observe(transition{name, from, AwaitAuth, on})
		from = AwaitAuth
		for _, st := range sa.machine {
			if st.from == from && st.form != noMessage {
				on = st.on
			}
		}
		if sa.State() == from {
			return effects
		}
	}
	s.observe(transition{name, from, sa.State(), on})
	return effects
}

// triggerOf names what an event is to a state.
func triggerOf(sa *SA, from State, ev Event) (trigger, bool) {
	switch ev.(type) {
	case Start:
		return onStart, true
	case KeyPair:
		return onKey, true
	case SharedSecret:
		return onSecret, true
	case Signed:
		return onSignature, true
	case Verdict:
		return onVerdict, true
	case Datagram:
		for _, st := range sa.machine {
			if st.from == from && st.form != noMessage {
				return st.on, true
			}
		}
	}
	return "", false
}
