package control

import (
	"fmt"
	"time"

	"keyman/ike"
)

// Version is that of the protocol. It changes when a client of the old one
// would misunderstand.
const Version = 1

// SocketName is the socket's name in the state directory.
const SocketName = "control.sock"

// versionHeader carries Version in requests and answers.
const versionHeader = "Keyman-Control"

// The bounds of the protocol.
const (
	// MaxRequest is the size of a request's body, in bytes.
	MaxRequest = 256 << 10
	// MaxTunnels is how many tunnels one request may name.
	MaxTunnels = 1024
	// MaxLine is the size of one line of an answer, in bytes.
	MaxLine = 1 << 20
	// MaxClients is how many connections are served at once; more wait.
	MaxClients = 64
	// ClientTimeout is how long the daemon waits for a request, and for a
	// client that does not read.
	ClientTimeout = 10 * time.Second
	// AnswerTimeout is how long a client waits for an answer to begin.
	AnswerTimeout = 15 * time.Second
	// eventBuffer is how many events wait for a client before it loses some.
	eventBuffer = 1024
	// maxHeader is the size of a request's header, in bytes.
	maxHeader = 16 << 10
)

// An Info says who answers.
type Info struct {
	Version int       `json:"version"` // of the protocol
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// A DaemonStatus says what the daemon does.
type DaemonStatus struct {
	Info
	LogLevel string    `json:"log_level"`
	Stats    ike.Stats `json:"stats"`
}

// An Activation is what became of one tunnel of a request.
type Activation struct {
	// Tunnel is the name or number that was asked for.
	Tunnel string `json:"tunnel"`
	// Status is how the tunnel stands; without waiting it is being
	// negotiated as a rule. It is zero with an Error.
	Status ike.Status `json:"status,omitzero"`
	// Data is how a phase 2 tunnel stands, where one was asked for; Status is
	// zero then.
	Data *ike.ChildStatus `json:"data,omitempty"`
	// Error says why the negotiation could not be tried.
	Error string `json:"error,omitempty"`
}

// A Removal is what became of one tunnel of a request.
type Removal struct {
	// Tunnel is the name or number that was asked for.
	Tunnel string `json:"tunnel"`
	// Ended is how many SAs and negotiations were ended.
	Ended int `json:"ended"`
	// Error says why nothing was ended.
	Error string `json:"error,omitempty"`
}

// activateRequest is the body of POST /activate.
type activateRequest struct {
	Tunnels []string `json:"tunnels"`
	Wait    bool     `json:"wait"`
	Phase   Phase    `json:"phase,omitempty"`
}

// A Phase says which tunnels a request means by their names and numbers.
type Phase int

// The phases. Without one a tunnel of phase 1 is meant together with the phase 2
// that it carries.
const (
	BothPhases Phase = 0
	Phase1     Phase = 1
	Phase2     Phase = 2
)

// check refuses other numbers.
func (p Phase) check() error {
	if p < BothPhases || p > Phase2 {
		return fmt.Errorf("phase %d: there are 1 and 2", p)
	}
	return nil
}

// removeRequest is the body of POST /remove.
type removeRequest struct {
	Tunnels []string `json:"tunnels"`
	All     bool     `json:"all"`
	Phase   Phase    `json:"phase,omitempty"`
}

// logRequest is the body of POST /log: a level, or that the settings are to be read
// again.
type logRequest struct {
	Level  string `json:"level,omitempty"`
	Reread bool   `json:"reread,omitempty"`
}

// logAnswer is the level in force.
type logAnswer struct {
	Level string `json:"level"`
}

// refusal is the body of an answer that is not 200.
type refusal struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}
