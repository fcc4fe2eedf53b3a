package main

import (
	"context"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"keyman/ike"
	"keyman/ike/control"
)

// selectHelp is what the commands on tunnels say of how they are called.
const selectHelp = `Tunnels are called by their names or numbers, by lists of numbers (1,3,5-7), by the
identity of their peer (--peer-id) or by the addresses of both ends (--addresses).`

// selectFlags say which tunnels are meant, besides the words of the command line.
type selectFlags struct {
	peerID, addresses string
	autostart         bool
}

func addSelectFlags(cmd *cobra.Command) *selectFlags {
	f := &selectFlags{}
	cmd.Flags().StringVar(&f.peerID, "peer-id", "", "tunnels whose peer has this `identity`, or is this group")
	cmd.Flags().StringVar(&f.addresses, "addresses", "", "tunnels between these two, `LOCAL,REMOTE`")
	cmd.Flags().BoolVar(&f.autostart, "autostart", false, "tunnels that start with the daemon")
	return f
}

// given reports whether anything was said.
func (f *selectFlags) given() bool { return f.peerID != "" || f.addresses != "" || f.autostart }

// selection makes one of the flags and the words.
func (f *selectFlags) selection(words []string) (control.Selection, error) {
	s := control.Selection{Words: words, RemoteID: f.peerID, AutoStart: f.autostart}
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

// meantTunnels asks the daemon which tunnels a selection means.
func meantTunnels(ctx context.Context, client *control.Client, selection control.Selection) ([]ike.Status, error) {
	list, err := client.List(ctx)
	if err != nil {
		return nil, err
	}
	return selection.Of(list)
}

// meantNames is meantTunnels for their names.
func meantNames(ctx context.Context, client *control.Client, selection control.Selection) ([]string, error) {
	list, err := client.List(ctx)
	if err != nil {
		return nil, err
	}
	return selection.Names(list)
}
