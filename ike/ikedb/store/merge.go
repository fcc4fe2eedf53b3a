package store

import (
	"errors"
	"fmt"
	"slices"

	"keyman/ike/ikedb"
)

// A merged is what a Put would leave, and where each part of it came from.
type merged struct {
	after   ikedb.Definitions
	last    lastNumbers
	changes Changes
	// from has, for each definition of after by kind, its place among those
	// that were put, or -1.
	from map[ikedb.Kind][]int
}

// blame turns an error about what would be left into one about what was put.
func (m *merged) blame(err error) error {
	var wrong *ikedb.Error
	if !errors.As(err, &wrong) {
		return err
	}
	blamed := *wrong
	blamed.Index = -1
	if from := m.from[ikedb.Kind(wrong.Table)]; wrong.Index < len(from) {
		blamed.Index = from[wrong.Index]
	}
	return &blamed
}

// merge adds definitions to those that are there.
func merge(before, put ikedb.Definitions, last lastNumbers, overwrite bool) (*merged, error) {
	m := &merged{last: last, from: make(map[ikedb.Kind][]int)}
	var err error
	byName := func(kind ikedb.Kind) joiner { return joiner{m, kind, overwrite} }
	if m.after.Proposals, err = join(byName(ikedb.KindProposal), before.Proposals, put.Proposals, func(p *ikedb.Proposal) string { return p.Name }, nil); err != nil {
		return nil, err
	}
	if m.after.DataProtections, err = join(byName(ikedb.KindDataProtection), before.DataProtections, put.DataProtections,
		func(p *ikedb.DataProtection) string { return p.Name }, nil); err != nil {
		return nil, err
	}
	if m.after.Protections, err = join(byName(ikedb.KindProtection), before.Protections, put.Protections,
		func(p *ikedb.Protection) string { return p.Name }, nil); err != nil {
		return nil, err
	}
	if m.after.Groups, err = join(byName(ikedb.KindGroup), before.Groups, put.Groups, func(g *ikedb.Group) string { return g.Name }, nil); err != nil {
		return nil, err
	}
	if m.after.Tunnels, err = join(byName(ikedb.KindTunnel), before.Tunnels, put.Tunnels,
		func(t *ikedb.Tunnel) string { return t.Name }, func(t *ikedb.Tunnel) *int { return &t.Number }); err != nil {
		return nil, err
	}
	if m.after.DataTunnels, err = join(byName(ikedb.KindDataTunnel), before.DataTunnels, put.DataTunnels,
		func(t *ikedb.DataTunnel) string { return t.Name }, func(t *ikedb.DataTunnel) *int { return &t.Number }); err != nil {
		return nil, err
	}
	return m, m.joinKeys(before.PresharedKeys, put.PresharedKeys, overwrite)
}

// A joiner is what join needs to know beside the definitions.
type joiner struct {
	merged    *merged
	kind      ikedb.Kind
	overwrite bool
}

func (j joiner) refuse(index int, name, key, text, fix string) error {
	return &ikedb.Error{Table: string(j.kind), Index: index, Name: name, Key: key, Text: text, Fix: fix}
}

const (
	thereAlready = "the database has one of this name"
	useForce     = "overwrite it with -F (--force), or give this one another name"
)

// join adds definitions of one kind to others. number is nil where the kind has
// none.
func join[T any](j joiner, before, put []T, name func(*T) string, number func(*T) *int) ([]T, error) {
	type entry struct {
		one  T
		from int
	}
	all := make([]entry, 0, len(before)+len(put))
	places := make(map[string]int, len(before))
	for i := range before {
		places[name(&before[i])] = i
		all = append(all, entry{before[i], -1})
	}
	n := numberer[T]{last: j.merged.last[j.kind], number: number}
	for i, one := range put {
		place, there := places[name(&one)]
		switch {
		case there && all[place].from >= 0:
			return nil, j.refuse(i, name(&one), "name", "another one has this name", "give each a name of its own")
		case there && !j.overwrite:
			return nil, j.refuse(i, name(&one), "name", thereAlready, useForce)
		case there:
			n.complete(&one, &all[place].one)
		default:
			n.complete(&one, nil)
		}
		if there {
			all[place] = entry{one, i}
			j.merged.changes.Replaced++
			continue
		}
		places[name(&one)] = len(all)
		all = append(all, entry{one, i})
		j.merged.changes.Added++
	}
	if number != nil {
		slices.SortStableFunc(all, func(a, b entry) int { return *number(&a.one) - *number(&b.one) })
		for i := 1; i < len(all); i++ {
			a, b := all[i-1], all[i]
			if *number(&a.one) != *number(&b.one) {
				continue
			}
			if b.from < 0 {
				a, b = b, a
			}
			return nil, j.refuse(b.from, name(&b.one), "number", fmt.Sprintf("%d is the number of %q", *number(&b.one), name(&a.one)),
				"leave the number out, or take one that is free")
		}
		j.merged.last[j.kind] = n.last
	}
	after := make([]T, 0, len(all))
	for _, e := range all {
		after = append(after, e.one)
		j.merged.from[j.kind] = append(j.merged.from[j.kind], e.from)
	}
	return after, nil
}

// A numberer gives numbers to tunnels that have none.
type numberer[T any] struct {
	last   int // the highest that was ever given
	number func(*T) *int
}

// complete gives a tunnel its number: the one it says, the one of what it
// replaces if that is not nil, or the next.
func (n *numberer[T]) complete(one, replaced *T) {
	if n.number == nil {
		return
	}
	number := n.number(one)
	switch {
	case *number != 0:
	case replaced != nil:
		*number = *n.number(replaced)
	default:
		*number = n.last + 1
	}
	n.last = max(n.last, *number)
}

// joinKeys adds preshared keys, one for each identity.
func (m *merged) joinKeys(before, put []ikedb.PresharedKey, overwrite bool) error {
	places := make(map[string]int, len(before))
	from := make([]int, 0, len(before))
	for i, k := range before {
		places[k.IDs[0].Key()] = i
		from = append(from, -1)
		m.after.PresharedKeys = append(m.after.PresharedKeys, k)
	}
	for i, k := range put {
		refuse := func(text, fix string) error {
			return &ikedb.Error{Table: string(ikedb.KindPresharedKey), Index: i, Name: fmt.Sprintf("#%d", i+1), Key: "ids", Text: text, Fix: fix}
		}
		if len(k.IDs) == 0 {
			// New says what is wrong.
			m.after.PresharedKeys = append(m.after.PresharedKeys, k)
			from = append(from, i)
		}
		for _, id := range k.IDs {
			one := ikedb.PresharedKey{IDs: []ikedb.Identity{id}, Secret: k.Secret}
			place, there := places[id.Key()]
			switch {
			case there && from[place] >= 0:
				return refuse(fmt.Sprintf("%v has a preshared key already", id), "")
			case there && !overwrite:
				return refuse(fmt.Sprintf("the database has a preshared key of %v", id), "overwrite it with -F (--force), or leave it out")
			case there:
				// It keeps the form in which the identity was written first,
				// so that its row is found.
				one.IDs = m.after.PresharedKeys[place].IDs
				if one.Secret.Len() == 0 {
					one.Secret = m.after.PresharedKeys[place].Secret
				}
				m.after.PresharedKeys[place], from[place] = one, i
				m.changes.Replaced++
				continue
			}
			places[id.Key()] = len(m.after.PresharedKeys)
			m.after.PresharedKeys = append(m.after.PresharedKeys, one)
			from = append(from, i)
			m.changes.Added++
		}
	}
	m.from[ikedb.KindPresharedKey] = from
	return nil
}
