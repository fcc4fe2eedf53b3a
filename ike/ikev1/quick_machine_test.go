package ikev1

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"keyman/ike/suite"
)

// quickBegin stands for an exchange that is not there yet.
const quickBegin quickState = -1

// A quickStep is where a trigger takes a quick mode.
type quickStep struct {
	from quickState
	on   string
	to   []quickState
}

// quickMachines are the states of quick mode as ARCHITECTURE.md shows them: what
// TestQuickTransitions sees, and nothing else.
var quickMachines = []struct {
	role  Role
	steps []quickStep
}{
	{Initiator, []quickStep{
		{quickBegin, "policy", []quickState{quickMakingKey, quickAwaitReply}},
		{quickMakingKey, "key", []quickState{quickAwaitReply}},
		{quickAwaitReply, "message 2", []quickState{quickComputing, quickAwaitConnected, quickDone}},
		{quickComputing, "secret", []quickState{quickAwaitConnected, quickDone}},
		{quickAwaitConnected, "CONNECTED", []quickState{quickDone}},
	}},
	{Responder, []quickStep{
		{quickBegin, "message 1", []quickState{quickAwaitTerms}},
		{quickAwaitTerms, "policy", []quickState{quickMakingKey, quickAwaitConfirm}},
		{quickMakingKey, "key", []quickState{quickComputing}},
		{quickComputing, "secret", []quickState{quickAwaitConfirm}},
		{quickAwaitConfirm, "message 3", []quickState{quickDone}},
	}},
}

// quickName returns a state in words.
func quickName(s quickState) string {
	if s == quickBegin {
		return "-"
	}
	return s.String()
}

// quickDrawing writes the machines as ARCHITECTURE.md shows them.
func quickDrawing() string {
	var b strings.Builder
	for _, m := range quickMachines {
		fmt.Fprintf(&b, "quick mode, %v\n", m.role)
		for _, st := range m.steps {
			names := make([]string, len(st.to))
			for i, to := range st.to {
				names[i] = quickName(to)
			}
			fmt.Fprintf(&b, "  %-35s --%s--> %s\n", quickName(st.from), st.on, strings.Join(names, " | "))
		}
	}
	return b.String()
}

// TestQuickDrawing compares the drawing of quick mode in ARCHITECTURE.md with the
// table; -update draws it anew.
func TestQuickDrawing(t *testing.T) {
	const file, begin, end = "../../ARCHITECTURE.md", "<!-- drawn by go test ./ike/ikev1 -run TestQuickDrawing -update -->\n```\n", "```\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	drawn, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no drawing of quick mode", file)
	}
	if drawn == quickDrawing() {
		return
	}
	if !*update {
		t.Fatalf("the drawing in %s is not that of the table:\n%s", file, quickDrawing())
	}
	if err := os.WriteFile(file, []byte(before+begin+quickDrawing()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A quickTransition is a state and the one that follows it.
type quickTransition struct {
	role     Role
	from, to quickState
}

// TestQuickTransitions negotiates, with and without perfect forward secrecy and the
// commit bit, until every step of the table has been seen, and none that is not in
// it.
func TestQuickTransitions(t *testing.T) {
	declared := make(map[quickTransition]bool)
	for _, m := range quickMachines {
		for _, st := range m.steps {
			for _, to := range st.to {
				declared[quickTransition{m.role, st.from, to}] = false
			}
		}
	}
	rough := conditions{loss: 0.2, duplicate: 0.2, latency: time.Millisecond, jitter: 40 * time.Millisecond}
	for seed := range int64(40) {
		s := establishedPair(t, seed, rough)
		policy := onePolicy(t)
		if seed%2 == 1 {
			policy.Groups = []suite.Group{suite.ECP256}
		}
		policy.Commit = seed/2%2 == 1
		starter := int(seed / 4 % 2)
		s.sides[1-starter].offer(childPolicy(1-starter, 1, policy))
		s.push(0, starter, Negotiate{Policy: childPolicy(starter, 1, policy), SPI: s.nextSPI(starter)}, 0)
		states := [2]map[uint32]quickState{{}, {}}
		for len(s.queue) > 0 && s.queue[0].at.Sub(s.start) < 2*time.Minute {
			s.run(s.queue[0].at.Sub(s.start))
			for i, side := range s.sides {
				for _, q := range side.sa.quick.live {
					from, known := states[i][q.id]
					if !known {
						from = quickBegin
					}
					states[i][q.id] = q.state
					if from == q.state || q.state == quickFailed {
						continue
					}
					tr := quickTransition{q.role, from, q.state}
					if _, ok := declared[tr]; !ok {
						t.Errorf("seed %d: %v: %s to %s is in no table", seed, tr.role, quickName(tr.from), quickName(tr.to))
					}
					declared[tr] = true
				}
			}
		}
	}
	for tr, seen := range declared {
		if !seen {
			t.Errorf("%v: %s to %s never happens", tr.role, quickName(tr.from), quickName(tr.to))
		}
	}
}
