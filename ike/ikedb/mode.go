package ikedb

import "fmt"

// A Mode is an exchange of phase 1. The empty Mode is ModeMain.
type Mode string

// The modes. A tunnel with ModeBoth starts in main mode and answers in either.
const (
	ModeMain       Mode = "main"
	ModeAggressive Mode = "aggressive"
	ModeBoth       Mode = "both"
)

// Main reports whether main mode is spoken.
func (m Mode) Main() bool { return m == ModeMain || m == ModeBoth }

// Aggressive reports whether aggressive mode is spoken.
func (m Mode) Aggressive() bool { return m == ModeAggressive || m == ModeBoth }

// checkMode refuses what the mode of a protection cannot do, and what it does
// badly unless weak algorithms are allowed.
func (p *Protection) checkMode(fail failure) error {
	switch {
	case !p.Mode.Main() && !p.Mode.Aggressive():
		return fail("mode", fmt.Sprintf("%q is not known", p.Mode), "use main, aggressive or both")
	case p.Mode.Aggressive() && p.Auth == AuthPresharedKey && !p.AllowWeak:
		return fail("mode", "aggressive mode shows whoever asks a hash of the preshared key, at which they can guess as long as they like",
			`use main mode or certificates, or write weak = "allow" into the protection if the peer knows nothing better`)
	case p.Mode == ModeAggressive && p.MayInitiate():
		for _, t := range p.Transforms {
			if first := p.Transforms[0].Group; t.Group != first {
				return fail("transforms", fmt.Sprintf("%v and %v: aggressive mode cannot negotiate the group (RFC 2409, 5)", first, t.Group),
					`give all transforms one group, or the protection role = "responder"`)
			}
		}
	}
	return nil
}
