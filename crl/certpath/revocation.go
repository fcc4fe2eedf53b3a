package certpath

import (
	"context"
	"errors"
)

// Revocation answers whether a certificate is revoked (RFC 5280, 6.1.3 (a)(3)).
// It is used by several goroutines at once.
type Revocation interface {
	// Check returns nil where the certificate may be used. An error with
	// ErrRevoked in it says that it is revoked; every other one that it could
	// not be told, and that the path is therefore not valid. Check returns
	// soon after ctx ends.
	Check(ctx context.Context, q Query) error
}

// ErrRevoked is in the error of Revocation.Check for a certificate that is
// revoked, be it for good or by a hold.
var ErrRevoked = errors.New("revoked")

// A Query asks about one certificate of a path that is valid otherwise.
type Query struct {
	// Path is the whole path, and Index says which of its certificates.
	Path  *Path
	Index int
	// Options are those of the validation.
	Options *Options
}

// Certificate returns the certificate that is asked about.
func (q Query) Certificate() *Certificate { return q.Path.Certificates[q.Index] }

// revocation asks about each certificate of a path, from the anchor down.
func (s *search) revocation(p *Path) *Failure {
	if s.options.Revocation == nil {
		return nil
	}
	for i := len(p.Certificates) - 1; i >= 0; i-- {
		err := s.options.Revocation.Check(s.ctx, Query{Path: p, Index: i, Options: s.options})
		if err == nil {
			continue
		}
		code := CodeUndetermined
		if errors.Is(err, ErrRevoked) {
			code = CodeRevoked
		}
		return &Failure{Code: code, Certificate: p.Certificates[i], Err: err}
	}
	return nil
}
