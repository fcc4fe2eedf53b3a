package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keyman/ike"
	"keyman/ike/control"
)

// selectHelp is what the commands on tunnels say of how they are called.
const selectHelp = `Tunnels are called by their names or numbers, by lists of numbers (1,3,5-7), by the
identity of their peer (--peer-id) or by the addresses of both ends (--addresses).
Phase 1 tunnels and the phase 2 tunnels that they carry are numbered each for itself;
a number means one of phase 1 unless --phase 2 stands there.`

// selectFlags say which tunnels are meant, besides the words of the command line.
type selectFlags struct {
	peerID, addresses string
	autostart         bool
	phase             int
}

func addSelectFlags(cmd *cobra.Command) *selectFlags {
	f := &selectFlags{}
	cmd.Flags().StringVar(&f.peerID, "peer-id", "", "tunnels whose peer has this `identity`, or is this group")
	cmd.Flags().StringVar(&f.addresses, "addresses", "", "tunnels between these two, `LOCAL,REMOTE`")
	cmd.Flags().BoolVar(&f.autostart, "autostart", false, "tunnels that start with the daemon")
	cmd.Flags().IntVar(&f.phase, "phase", 0, "tunnels of this `phase` alone, 1 or 2; otherwise both")
	return f
}

// given reports whether anything was said.
func (f *selectFlags) given() bool { return f.peerID != "" || f.addresses != "" || f.autostart }

// selection makes one of the flags and the words.
func (f *selectFlags) selection(words []string) (control.Selection, error) {
	s := control.Selection{Words: words, RemoteID: f.peerID, AutoStart: f.autostart}
	if f.phase < 0 || f.phase > int(control.Phase2) {
		return s, usagef("--phase: %d is neither 1 nor 2", f.phase)
	}
	if f.addresses == "" {
		return s, nil
	}
	local, remote, ok := strings.Cut(f.addresses, ",")
	if !ok {
		return s, usagef("--addresses: %q is not two addresses with a comma between them", f.addresses)
	}
	for text, into := range map[string]*netip.Addr{local: &s.Local, remote: &s.Remote} {
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			return s, usagef("--addresses: %q is not an IP address", text)
		}
		*into = addr
	}
	return s, nil
}

// meantTunnels asks the daemon which tunnels a selection means, and keeps of them
// what is of the phase. Words that name phase 2 tunnels alone mean those.
func (f *selectFlags) meantTunnels(ctx context.Context, client *control.Client, selection control.Selection) ([]ike.Status, error) {
	list, err := client.List(ctx)
	if err != nil {
		return nil, err
	}
	names, phase, err := f.names(list, selection)
	if err != nil {
		return nil, err
	}
	if phase != control.Phase2 {
		list, err = selection.Of(list)
	}
	for i := range list {
		switch phase {
		case control.Phase1:
			list[i].Data = nil
		case control.Phase2:
			list[i].Data = slices.DeleteFunc(list[i].Data, func(d ike.ChildStatus) bool { return !slices.Contains(names, d.Tunnel) })
		}
	}
	if phase == control.Phase2 {
		list = slices.DeleteFunc(list, func(s ike.Status) bool { return len(s.Data) == 0 })
	}
	return list, err
}

// meantNames asks the daemon which tunnels a selection means, and returns their
// names and the phase that they are of.
func (f *selectFlags) meantNames(ctx context.Context, client *control.Client, selection control.Selection) ([]string, control.Phase, error) {
	list, err := client.List(ctx)
	if err != nil {
		return nil, 0, err
	}
	return f.names(list, selection)
}

// names finds the tunnels of a selection in a list.
func (f *selectFlags) names(list []ike.Status, selection control.Selection) ([]string, control.Phase, error) {
	phase := control.Phase(f.phase)
	if phase == control.Phase2 {
		names, err := selection.DataNames(list)
		return names, phase, err
	}
	names, err := selection.Names(list)
	if err != nil && phase == control.BothPhases && len(selection.Words) > 0 {
		if data, dataErr := selection.DataNames(list); dataErr == nil {
			return data, control.Phase2, nil
		}
	}
	return names, phase, err
}
