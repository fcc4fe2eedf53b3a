package certpath

import (
	"context"
	"errors"
	"fmt"
)

// Validate returns the first valid path from leaf over intermediates to an
// anchor; a shorter one goes before a longer one, unless key identifiers speak
// against it. Where there is none, the error is an *Error that says
// why, unless the options themselves cannot be used. ctx is for
// Options.Revocation alone.
//
// A leaf that is found revoked on one path is not tried on others.
func Validate(ctx context.Context, leaf *Certificate, o Options) (Path, error) {
	if leaf == nil {
		return Path{}, errors.New("no certificate to validate")
	}
	if err := o.check(); err != nil {
		return Path{}, fmt.Errorf("validation: %w", err)
	}
	s := newSearch(ctx, &o)
	path := s.find(newNode(leaf))
	rank(s.attempts)
	s.attempts = s.attempts[:min(len(s.attempts), MaxAttempts)]
	if path == nil {
		return Path{}, &Error{Attempts: s.attempts}
	}
	path.Attempts = s.attempts
	return *path, nil
}
