package crl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyman/crl/certpath"
)

// ClockSkew is how far a list's thisUpdate may lie in the future, for clocks
// that differ. Nothing is allowed for nextUpdate.
const ClockSkew = 5 * time.Minute

// A CheckerConfig says how a Checker finds lists.
type CheckerConfig struct {
	// Source fetches lists; nil fetches none.
	Source Source
	// Lists are at hand without fetching. They are asked first.
	Lists []*List
	// Order is the order in which protocols are tried; one that is not named
	// is not used. Empty is HTTP, then LDAP.
	Order []Protocol
	// FetchTimeout bounds one fetch; zero is DefaultFetchTimeout.
	FetchTimeout time.Duration
	// CacheBytes bounds the lists kept in memory; zero is DefaultCacheBytes.
	CacheBytes int64
	// Disk keeps lists beyond the life of the Checker; nil keeps none.
	Disk *Cache
	// DiskError is told why a list could not be kept, or one that was kept could
	// not be used; nil is nobody. No check fails for it.
	DiskError func(error)
	// Clock is asked for the time; nil is time.Now.
	Clock func() time.Time
}

// A Checker answers whether a chain of certificates may be used. It may be used
// by several goroutines at once; a list that several wait for is fetched once,
// and kept until its nextUpdate.
type Checker struct {
	source Source
	lists  []*List
	order  []Protocol
	clock  func() time.Time
	cache  *cache
	disk   disk

	verified *verified
	anchors  anchors
}

// NewChecker returns a Checker.
func NewChecker(config CheckerConfig) (*Checker, error) {
	c := &Checker{source: config.Source, lists: slices.Clone(config.Lists), order: slices.Clone(config.Order), clock: config.Clock, verified: newVerified()}
	if len(c.order) == 0 {
		c.order = defaultOrder
	}
	for i, protocol := range c.order {
		if protocol != HTTP && protocol != LDAP && protocol != File || slices.Contains(c.order[:i], protocol) {
			return nil, fmt.Errorf("fetch order: protocol %q is not known or is there twice: use http, ldap and file", protocol)
		}
	}
	if slices.Contains(c.lists, nil) {
		return nil, errors.New("a list at hand is nil")
	}
	if config.FetchTimeout < 0 || config.CacheBytes < 0 {
		return nil, errors.New("a negative limit")
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	c.cache = newCache(config, c.clock)
	c.disk.cache, c.disk.report, c.disk.clock = config.Disk, config.DiskError, c.clock
	return c, nil
}

// Flush makes all lists be fetched anew that this Checker, or another one with
// the same Disk, has fetched so far.
func (c *Checker) Flush() {
	c.disk.flush()
	c.cache.flush()
}

// Check validates chain[0], over the other certificates of chain in any order,
// to an anchor of the policy (RFC 5280, 6.1, by certpath.Validate), and looks for
// each certificate below the anchor in revocation lists (6.3, by ListChecker). The
// verdict is good where one path is valid and the policy's demands are met on it.
// A chain[0] that is found revoked on one path is revoked.
//
// Nothing is fetched before a path is valid: the sources named in certificates
// that nobody vouches for are never asked.
func (c *Checker) Check(ctx context.Context, chain [][]byte, p Policy) Verdict {
	now := p.Time
	if now.IsZero() {
		now = c.clock()
	}
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	leaf, options, notes, refused := c.read(chain, p)
	if refused != nil {
		return Verdict{Status: StatusInvalid, Reasons: append(notes, *refused)}
	}
	run := &run{checker: c, policy: p, now: now, seen: map[link]finding{}}
	options.Time, options.Revocation = now, run
	path, err := certpath.Validate(ctx, leaf, options)
	if err != nil && len(run.outcomes) == 0 {
		return Verdict{Status: StatusInvalid, Reasons: append(notes, diagnose(ctx, err, leaf, options)...)}
	}
	return run.verdict(notes, path, err == nil)
}

// softened turns reasons that did not decide into notes.
func softened(reasons []Reason) []Reason {
	reasons = slices.Clone(reasons)
	for i := range reasons {
		reasons[i].Severity = Note
	}
	return reasons
}
