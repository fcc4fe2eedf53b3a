package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"keyman/ca"
	"keyman/crl"
	"keyman/ike"
)

// A Config says how the demonstration is shown.
type Config struct {
	// Out gets the time line. An error in writing to it ends Run.
	Out io.Writer
	// JSON prints each Step as JSON, one a line, instead of text.
	JSON bool
	// Color colours the text.
	Color bool
	// Width is that of the text in columns, within MinWidth and MaxWidth;
	// zero is DefaultWidth.
	Width int
	// Keep is a folder that keeps the files, absent or empty before; "" keeps
	// none. It then holds the passwords of the key databases, too.
	Keep string
}

// A DifferenceError says what came out differently than it should.
type DifferenceError struct{ Differences []string }

// Error lists the differences.
func (e *DifferenceError) Error() string {
	return "not as it should be: " + strings.Join(e.Differences, "; ")
}

// Run shows the demonstration and checks its outcome. It returns a
// DifferenceError where something came out differently, and ends early, with
// everything taken away, when ctx does.
func Run(ctx context.Context, cfg Config) error { return run(ctx, cfg, faults{}) }

// faults are what goes wrong on purpose, to test that Run notices.
type faults struct {
	unpublished bool // the list with the revoked certificate is not published
}

func run(ctx context.Context, cfg Config, f faults) error {
	dir, remove, err := workspace(cfg.Keep)
	if err != nil {
		return err
	}
	s := &scenario{dir: dir, keep: cfg.Keep != "", faults: f, steps: newTimeline(cfg)}
	playCtx, stop := context.WithCancel(ctx)
	err = s.play(playCtx)
	stop()
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	if err = errors.Join(err, s.close(), remove()); err != nil {
		return err
	}
	if len(s.differences) > 0 {
		return &DifferenceError{s.differences}
	}
	s.steps.add(Step{What: KindDone, Text: s.summary()})
	return s.steps.flush()
}

// workspace makes the folder for all files, and returns what takes it away.
func workspace(keep string) (dir string, remove func() error, err error) {
	if keep == "" {
		if dir, err = os.MkdirTemp("", "keyman-demo-"); err != nil {
			return "", nil, err
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if err := os.MkdirAll(keep, dirMode); err != nil {
		return "", nil, err
	}
	entries, err := os.ReadDir(keep)
	if err != nil {
		return "", nil, err
	}
	if len(entries) > 0 {
		return "", nil, fmt.Errorf("%s is not empty: the files are kept in a folder of their own", keep)
	}
	return keep, func() error { return nil }, nil
}

// scenario is one run.
type scenario struct {
	dir    string
	keep   bool
	faults faults
	steps  *timeline

	places      *publishing
	ca          *authority
	a, b        *gateway
	differences []string
}

// The CRL numbers that the CA gives.
const (
	firstList  = "1"
	secondList = "2"
)

// play shows all parts.
func (s *scenario) play(ctx context.Context) error {
	if err := s.setUp(ctx); err != nil {
		return err
	}
	if err := s.acceptedPeers(ctx); err != nil || len(s.differences) > 0 {
		return err // without a first tunnel the rest shows nothing
	}
	revoked, err := s.revocation(ctx)
	if err != nil {
		return err
	}
	return s.refusedPeer(ctx, revoked)
}

// part begins a part.
func (s *scenario) part(title string) { s.steps.add(Step{What: KindPart, Text: title}) }

// setUp makes the CA, the gateways and the places of the list.
func (s *scenario) setUp(ctx context.Context) (err error) {
	s.steps.add(Step{What: KindIntro, Text: "Two gateways, a tunnel, and a certificate that is revoked."})
	s.part("A CA that publishes its revocation list, and two gateways")
	if s.places, err = startPublishing(ctx, s.steps); err != nil {
		return err
	}
	if err := s.steps.flush(); err != nil {
		return err
	}
	if err := errors.Join(s.makeKeys(ctx), s.steps.flush()); err != nil {
		return err
	}
	for _, g := range s.gateways() {
		issued, err := s.ca.issue(ctx, g.request)
		if err != nil {
			return err
		}
		if err := g.receive(ctx, s.ca.ca.Certificate(), issued); err != nil {
			return err
		}
	}
	if err := s.ca.publish(ctx, s.places); err != nil {
		return err
	}
	return s.steps.flush()
}

// makeKeys founds the CA and makes the gateways at the same time: keys take a
// while.
func (s *scenario) makeKeys(ctx context.Context) error {
	var (
		all               sync.WaitGroup
		errCA, errA, errB error
	)
	all.Go(func() { s.ca, errCA = foundAuthority(ctx, s) })
	all.Go(func() { s.a, errA = newGateway(ctx, s, "gw-a", [2]crl.Protocol{crl.HTTP, crl.LDAP}) })
	all.Go(func() { s.b, errB = newGateway(ctx, s, "gw-b", [2]crl.Protocol{crl.LDAP, crl.HTTP}) })
	all.Wait()
	return errors.Join(errCA, errA, errB)
}

// acceptedPeers starts the gateways and opens a tunnel while both certificates
// are good.
func (s *scenario) acceptedPeers(ctx context.Context) error {
	s.part("gw-a opens a tunnel to gw-b; each checks the other's certificate")
	for _, g := range s.gateways() {
		if err := g.listen(); err != nil {
			return err
		}
	}
	if err := errors.Join(s.a.start(ctx, s, s.b), s.b.start(ctx, s, s.a)); err != nil {
		return err
	}
	o, err := s.negotiate(ctx, s.a, s.b)
	if err != nil {
		return err
	}
	for _, g := range s.gateways() {
		s.expect(o.active[g.name], "%s has no tunnel: %s", g.name, o.status.Error)
	}
	s.expectList(o, s.a, crl.CodeChecked, s.places.webURL(), firstList)
	s.expectList(o, s.b, crl.CodeChecked, s.places.directoryURL(s.ca.name), firstList)
	s.expect(s.places.proxied.Load() > 0, "nobody went through the proxy")
	return s.steps.flush()
}

// revocation revokes the certificate of gw-b, publishes that, and takes the
// tunnel down. It returns what the CA keeps of it.
func (s *scenario) revocation(ctx context.Context) (ca.Record, error) {
	s.part("The key of gw-b is in wrong hands: the CA revokes the certificate")
	record, err := s.ca.revoke(ctx, s.b.issued)
	if err != nil {
		return ca.Record{}, err
	}
	if !s.faults.unpublished {
		if err := s.ca.publish(ctx, s.places); err != nil {
			return ca.Record{}, err
		}
	}
	if err := s.remove(ctx, s.a, s.b); err != nil {
		return ca.Record{}, err
	}
	for _, g := range s.gateways() {
		g.checker.Flush()
		s.steps.add(Step{Who: g.name, What: KindFlushed, Text: fmt.Sprintf("drops its list, which it would have kept for %d days", ca.DefaultCRLDays)})
	}
	return record, s.steps.flush()
}

// refusedPeer tries again from both ends.
func (s *scenario) refusedPeer(ctx context.Context, revoked ca.Record) error {
	s.part("gw-a tries again, and refuses gw-b")
	if err := s.refusal(ctx, s.a, s.b, revoked); err != nil || len(s.differences) > 0 {
		return err
	}
	s.part("gw-b tries itself; gw-a still has the list, and refuses")
	return s.refusal(ctx, s.b, s.a, revoked)
}

// refusal has one gateway try, and expects gw-a to refuse gw-b.
func (s *scenario) refusal(ctx context.Context, from, to *gateway, revoked ca.Record) error {
	o, err := s.negotiate(ctx, from, to)
	if err != nil {
		return err
	}
	s.expect(o.status.State == ike.TunnelFailed, "%s has a tunnel that is %s", from.name, o.status.State)
	for _, g := range s.gateways() {
		s.expect(!o.active[g.name], "%s has a tunnel with a revoked certificate", g.name)
	}
	s.expectList(o, s.a, crl.CodeRevoked, s.places.webURL(), secondList)
	why := o.verdicts[s.a.name]
	s.expect(why.Serial == revoked.Serial, "gw-a found the serial number %q revoked, and not %s", why.Serial, revoked.Serial)
	s.expect(revoked.Revoked != nil && why.Date.Equal(revoked.Revoked.Date), "gw-a says that it was revoked on %v", why.Date)
	s.expect(o.heard[s.b.name] == "AUTHENTICATION-FAILED", "gw-b heard %q", o.heard[s.b.name])
	return s.steps.flush()
}

// expectList expects what a gateway found in which list.
func (s *scenario) expectList(o *outcome, g *gateway, code, source, number string) {
	r := o.verdicts[g.name]
	s.expect(r.Code == code && r.CRL == source && r.CRLNumber == number,
		"%s found %q by list number %q from %q, and not %q by list number %s from %s", g.name, r.Code, r.CRLNumber, r.CRL, code, number, source)
}

// expect notes a difference where something is not so.
func (s *scenario) expect(is bool, format string, args ...any) {
	if is {
		return
	}
	text := fmt.Sprintf(format, args...)
	s.differences = append(s.differences, text)
	s.steps.add(Step{What: KindDifferent, Text: "NOT AS IT SHOULD BE: " + text})
}

func (s *scenario) gateways() []*gateway { return []*gateway{s.a, s.b} }

// summary is the last line.
func (s *scenario) summary() string {
	text := fmt.Sprintf("As it should be, in %.1f s: while both certificates were good the tunnel came up; with the revoked one neither end got it.", time.Since(s.steps.began).Seconds())
	if !s.keep {
		text += " Nothing is left behind."
	}
	return text
}

// close ends everything that was started; the engines' context has ended.
func (s *scenario) close() error {
	var errs []error
	for _, g := range s.gateways() {
		if g != nil {
			errs = append(errs, g.close())
		}
	}
	if s.places != nil {
		errs = append(errs, s.places.close())
	}
	return errors.Join(errs...)
}
