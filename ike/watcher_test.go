package ike_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/internal/dn"
)

// directory is a crl.Source that has the list of the tests' CA by its name.
type directory struct {
	mu      sync.Mutex // guards what follows
	list    []byte
	hangs   bool
	fetches int
}

func (*directory) Lists(context.Context, string) ([]*crl.List, error) {
	return nil, errors.New("there is no web")
}

func (d *directory) ListsByIssuer(ctx context.Context, _ dn.Name) ([]*crl.List, error) {
	d.mu.Lock()
	d.fetches++
	list, hangs := d.list, d.hangs
	d.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	l, err := crl.Parse(bytes.NewReader(list), crl.Limits{})
	return []*crl.List{l}, err
}

// publish makes the CA's list of a number, good for a day.
func (d *directory) publish(t *testing.T, number int64, revoked ...[]byte) {
	t.Helper()
	ca, err := x509.ParseCertificate(pki().ca)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(24 * time.Hour)}
	for _, der := range revoked {
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: leaf.SerialNumber, RevocationTime: time.Now(), ReasonCode: 1})
	}
	list, err := x509.CreateRevocationList(rand.Reader, template, ca, pki().caKey)
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = list
}

func (d *directory) hang(hangs bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hangs = hangs
}

// The engine with a real Watcher, on either side: a new list counts within the
// interval; one that hangs holds nothing up, and ends a strict tunnel when the last
// one is out of date, but no relaxed one.
func TestEngineWithWatcher(t *testing.T) {
	pki()
	const every = time.Minute
	for _, side := range []string{"initiator", "responder"} {
		t.Run(side, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n iketest.Network
				var d directory
				d.publish(t, 1)
				a, b := pair()
				peer := "gw2"
				if side == "initiator" {
					a.verifier = realWatcher(t, every, &d)
				} else {
					peer, b.verifier = "gw1", realWatcher(t, every, &d)
				}
				first, second := a.start(t, &n), b.start(t, &n)
				here := first
				if side == "responder" {
					here = second
				}
				up := func() {
					t.Helper()
					if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
						t.Fatalf("%+v, %v", st, err)
					}
					synctest.Wait()
				}
				after := func(wait time.Duration, state ike.TunnelState, code string) {
					t.Helper()
					time.Sleep(wait) // in the bubble's time
					synctest.Wait()
					begin := time.Now()
					st := only(t, here)
					if st.State != state || time.Since(begin) > 0 {
						t.Errorf("%v: %s %+v", st.State, st.Error, st.Reasons)
					}
					if code != "" && (len(st.Reasons) == 0 || st.Reasons[len(st.Reasons)-1].Code != code) {
						t.Errorf("reasons %+v, want %s", st.Reasons, code)
					}
				}
				up()
				after(23*time.Hour, ike.TunnelClosed, "") // its life is over
				up()
				if d.fetches > 23*90 {
					t.Errorf("%d fetches in a day", d.fetches)
				}
				d.publish(t, 2)
				after(2*time.Hour, ike.TunnelActive, crl.CodeChecked) // the first list would be out of date
				d.hang(true)
				after(5*time.Hour, ike.TunnelActive, crl.CodeChecked)
				d.hang(false)
				d.publish(t, 3, pki().gateways[peer].Chain[0])
				after(every+crl.LongestPause+crl.DefaultFetchTimeout, ike.TunnelClosed, crl.CodeRevoked)
			})
		})
	}
}

// A dead source ends what demands lists when the last one is out of date, and warns
// of what does not.
func TestEngineWithDeadSource(t *testing.T) {
	pki()
	for _, c := range []struct {
		name       string
		revocation crl.Revocation
		grace      time.Duration
		state      ike.TunnelState // when the list is out of date
		warning    string          // code of it, while the tunnel is active
		later      ike.TunnelState // an hour after
	}{
		{"strict", crl.Strict, 0, ike.TunnelClosed, "", ike.TunnelClosed},
		{"grace", crl.Strict, time.Hour, ike.TunnelActive, crl.CodeChecked, ike.TunnelClosed},
		{"relaxed", crl.Relaxed, 0, ike.TunnelActive, crl.CodeUnchecked, ike.TunnelActive},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n iketest.Network
				var d directory
				d.publish(t, 1)
				time.Sleep(20 * time.Hour)
				a, b := pair()
				a.verifier = realWatcher(t, time.Minute, &d)
				a.change = func(d *ikedb.Definitions) {
					d.Protections[0].Revocation, d.Protections[0].CRLGrace = c.revocation, c.grace
				}
				first := a.start(t, &n)
				b.start(t, &n)
				if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
					t.Fatalf("%+v, %v", st, err)
				}
				d.hang(true)
				time.Sleep(4*time.Hour - time.Minute)
				synctest.Wait()
				if st := only(t, first); st.State != ike.TunnelActive {
					t.Errorf("before the list is out of date: %+v", st)
				}
				time.Sleep(3 * time.Minute)
				synctest.Wait()
				st := only(t, first)
				warning := ""
				for _, r := range st.Reasons {
					if r.Severity == crl.Warning {
						warning = r.Code
					}
				}
				if st.State != c.state || warning != c.warning {
					t.Errorf("%v: %s %+v", st.State, st.Error, st.Reasons)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if st := only(t, first); st.State != c.later {
					t.Errorf("an hour later %v: %s %+v", st.State, st.Error, st.Reasons)
				}
			})
		})
	}
}

// A hundred peers of one CA: their tunnels cost one fetch an interval, and the list
// that revokes one of them ends its tunnel and no other.
func TestFloodOfOneCA(t *testing.T) {
	const peers, every = 100, 10 * time.Minute
	shared, ca := pki().gateways["gw1"], pki().ca
	parent, err := x509.ParseCertificate(ca)
	if err != nil {
		t.Fatal(err)
	}
	var own []ike.Credential // of one key: making keys takes long
	for i := range peers {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(1000 + i)), DNSNames: []string{fmt.Sprintf("p%d.test", i)},
			NotBefore: parent.NotBefore, NotAfter: parent.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
			Subject: pkix.Name{CommonName: fmt.Sprint("p", i)},
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, shared.Signer.Public(), pki().caKey)
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, ike.Credential{Signer: shared.Signer, Chain: [][]byte{der, ca}})
	}
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		var d directory
		d.publish(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, b := pair()
		b.verifier = realWatcher(t, every, &d)
		b.change = func(d *ikedb.Definitions) {
			id, err := ikedb.ParseIdentity("fqdn:*.test")
			if err != nil {
				t.Fatal(err)
			}
			d.Tunnels[0].Remote.Address, d.Tunnels[0].Remote.ID = netip.Addr{}, id
		}
		hub := b.startWith(t, ctx, &n)
		events := hub.Events(100 * peers)
		for i, credential := range own {
			a, _ := pair()
			a.own, a.ownAddr = fmt.Sprint("p", i), netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + i)})
			a.config = func(c *ike.Config) { c.Credentials = map[string]ike.Credential{a.own: credential} }
			if st, err := a.startWith(t, ctx, &n).ActivateWait(ctx, "to-gw2"); err != nil || st.State != ike.TunnelActive {
				t.Fatalf("%d: %+v, %v", i, st, err)
			}
		}
		active := func() (active int) {
			synctest.Wait()
			list, err := hub.List(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range list {
				if st.State == ike.TunnelActive {
					active++
				}
			}
			return active
		}
		if n := active(); n != peers || d.fetches != 1 {
			t.Fatalf("%d tunnels are active after %d fetches", n, d.fetches)
		}
		d.publish(t, 2, own[7].Chain[0])
		time.Sleep(every) // in the bubble's time
		if n := active(); n != peers-1 || d.fetches != 2 {
			t.Errorf("%d tunnels are active after %d fetches", n, d.fetches)
		}
		if ev := await(t, events, ike.EventClosed); ev.PeerID != "fqdn:p7.test" || len(ev.Reasons) == 0 {
			t.Errorf("%+v", ev)
		}
	})
}
