package ikedb

import (
	"fmt"
	"slices"
)

// Swap returns definitions as the peer would write them: with local and remote
// ends of every tunnel exchanged, so that a peer's file can be used at this end.
// What only the peer knows is dropped: its certificates' labels and its ports. A
// preshared key that is found by the peer's own identity is found by that of the
// new remote end. Groups cannot become local ends. The error is an *Error.
func Swap(d Definitions) (Definitions, error) {
	swapped := d
	swapped.Tunnels = slices.Clone(d.Tunnels)
	swapped.DataTunnels = slices.Clone(d.DataTunnels)
	moves := make(map[string]move)
	for i := range swapped.Tunnels {
		t := &swapped.Tunnels[i]
		fail := func(key, text, fix string) error {
			return &Error{Table: string(KindTunnel), Index: i, Name: place(t.Name, i), Key: key, Text: text, Fix: fix}
		}
		if t.Remote.Group != "" {
			return Definitions{}, fail("remote.group", fmt.Sprintf("the group %q cannot become the local end", t.Remote.Group), swapGroup)
		}
		was := *t
		t.Local = LocalEnd{Address: was.Remote.Address, ID: was.Remote.ID}
		t.Remote = RemoteEnd{Address: was.Local.Address, ID: was.Local.ID}
		for _, m := range []move{{addressOrZero(was.Remote), addressOrZero(RemoteEnd{Address: was.Local.Address})}, {was.Remote.ID, was.Local.ID}} {
			if m.from.IsZero() || m.to.IsZero() {
				continue
			}
			if other, ok := moves[m.from.Key()]; ok && !other.to.Match(m.to) {
				m.to = Identity{} // it is the key of several peers now
			}
			moves[m.from.Key()] = m
		}
	}
	for i := range swapped.DataTunnels {
		t := &swapped.DataTunnels[i]
		if t.Remote.Group != "" {
			return Definitions{}, &Error{Table: string(KindDataTunnel), Index: i, Name: place(t.Name, i), Key: "remote.group",
				Text: fmt.Sprintf("the group %q cannot become the local end", t.Remote.Group), Fix: swapGroup}
		}
		t.Local, t.Remote.Selector = t.Remote.Selector, t.Local
	}
	var err error
	swapped.PresharedKeys, err = moveKeys(d.PresharedKeys, moves)
	return swapped, err
}

const swapGroup = "give the tunnel one remote identity, or leave it out"

// A move is the identity by which a preshared key is found before and after.
type move struct{ from, to Identity }

func addressOrZero(r RemoteEnd) Identity {
	if !r.Address.IsValid() {
		return Identity{}
	}
	id, _ := AddrIdentity(r.Address)
	return id
}

// moveKeys gives preshared keys the identities that swapped tunnels look for.
func moveKeys(keys []PresharedKey, moves map[string]move) ([]PresharedKey, error) {
	moved := slices.Clone(keys)
	for i := range moved {
		k := &moved[i]
		k.IDs = slices.Clone(k.IDs)
		for j, id := range k.IDs {
			m, ok := moves[id.Key()]
			if !ok {
				continue
			}
			if m.to.IsZero() {
				return nil, &Error{Table: string(KindPresharedKey), Index: i, Name: place("", i), Key: "ids",
					Text: fmt.Sprintf("%v is the peer of several tunnels, whose local ends differ", id), Fix: "swap the file of one of them only"}
			}
			k.IDs[j] = m.to
		}
		seen := make(map[string]bool, len(k.IDs))
		k.IDs = slices.DeleteFunc(k.IDs, func(id Identity) bool {
			twice := seen[id.Key()]
			seen[id.Key()] = true
			return twice
		})
	}
	return moved, nil
}
