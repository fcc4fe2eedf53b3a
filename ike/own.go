package ike

import (
	"slices"
	"time"

	"keyman/crl"
)

// An ownCertificate is one that we authenticate with. What is wrong with it is told,
// and nothing more: its tunnels stay, and it is the peers that decide whom they
// accept.
type ownCertificate struct {
	label   string
	chain   [][]byte
	policy  crl.Policy
	reasons []crl.Reason // why peers will not accept it
	stop    func()       // nil before its first check
}

// watchOwn has the verifier look at our own certificates, beginning now. They may be
// of a CA that only the peers trust: the end of our chain is trusted for this.
// Lists are asked for only where a tunnel asks for its peer's, and none is
// demanded.
func (e *Engine) watchOwn() {
	w, ok := e.verifier.(Watcher)
	if !ok {
		return
	}
	e.unwatchOwn()
	for _, d := range e.defs {
		if !d.protection.Signatures() {
			continue
		}
		label, chain := d.tunnel.Local.Certificate, d.credential.Chain
		o := e.own[label]
		if o == nil {
			o = &ownCertificate{label: label, chain: chain}
			o.policy = crl.Policy{Anchors: slices.Clone(e.anchors), Revocation: crl.Off}
			if last := len(chain) - 1; last > 0 {
				o.policy.Anchors = append(o.policy.Anchors, chain[last])
			}
			e.own[label] = o
		}
		if d.protection.Revocation != crl.Off {
			o.policy.Revocation = crl.Relaxed
		}
		o.policy.AllowWeak = o.policy.AllowWeak || d.protection.AllowWeak
	}
	for _, o := range e.own {
		e.verdicts.do(func() {
			var v crl.Verdict
			if err := guard(func() error {
				v = w.Check(e.ctx, o.chain, o.policy)
				return nil
			}); err != nil {
				return
			}
			e.post(func() {
				if e.own[o.label] != o {
					return
				}
				e.judgeOwn(o, v)
				o.stop = w.Watch(o.chain, o.policy, v, func(v crl.Verdict) {
					e.post(func() { e.judgeOwn(o, v) })
				})
			})
		})
	}
}

// unwatchOwn ends that.
func (e *Engine) unwatchOwn() {
	for _, o := range e.own {
		if o.stop != nil {
			o.stop()
		}
	}
	clear(e.own)
}

// judgeOwn acts on a verdict on a certificate of ours.
func (e *Engine) judgeOwn(o *ownCertificate, v crl.Verdict) {
	var reasons []crl.Reason
	for _, r := range v.Reasons {
		if r.Severity == crl.Fatal && slices.Contains([]string{crl.CodeRevoked, crl.CodeExpired, crl.CodeNotYetValid}, r.Code) {
			reasons = append(reasons, r)
		}
	}
	same := func(a, b crl.Reason) bool { return a.Code == b.Code && a.Certificate == b.Certificate }
	if e.own[o.label] != o || slices.EqualFunc(o.reasons, reasons, same) {
		return
	}
	o.reasons = reasons
	ev := Event{Time: time.Now(), Kind: EventOwnCertificate, Text: "our certificate " + o.label + " is good again"}
	if len(reasons) > 0 {
		ev.Text, ev.Reasons = "our certificate "+o.label+" will not be accepted by peers: "+reasons[0].Text, reasons
	}
	e.hub.publish(ev)
	e.log(ev)
}

// ownReasons are why peers will not accept us in a tunnel.
func (e *Engine) ownReasons(tunnel string) []crl.Reason {
	if d := e.defs[tunnel]; d != nil {
		if o := e.own[d.tunnel.Local.Certificate]; o != nil && d.protection.Signatures() {
			return o.reasons
		}
	}
	return nil
}
