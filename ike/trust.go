package ike

import (
	"context"
	"slices"
)

// SetAnchors replaces the CA certificates that we trust, DER, and reports whether
// they are others than before. From then on negotiations ask for them and are
// judged by them; where the Verifier is a Watcher, an active tunnel ends when its
// peer's path does not lead to one of them any more. Without any, no peer with a
// certificate is accepted.
func (e *Engine) SetAnchors(ctx context.Context, anchors [][]byte) (changed bool, err error) {
	names, err := authorities(anchors)
	if err != nil {
		return false, err
	}
	if err := e.do(ctx, func() {
		if slices.EqualFunc(e.anchors, anchors, slices.Equal) {
			return
		}
		changed = true
		e.anchors, e.authorities = anchors, names
		for _, s := range e.ordered() {
			if s.peer.stop != nil {
				s.peer.stop()
				e.watchPeer(s)
			}
		}
		for key, o := range e.orphans {
			o.stop()
			e.watchOrphan(key, o)
		}
		e.watchOwn()
	}); err != nil {
		return false, err
	}
	return changed, nil
}
