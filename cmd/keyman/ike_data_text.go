package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"keyman/ike"
)

// writeDataOutcome prints what became of the activation of a phase 2 tunnel.
func writeDataOutcome(w io.Writer, d ike.ChildStatus) {
	text := string(d.State)
	switch {
	case d.State == ike.TunnelActive:
		text += ", " + printable(d.Local) + " to " + printable(d.Remote) + ", " + dataAlgorithms(d)
		if d.NegotiatedOnly {
			text += "; negotiated only: the daemon has no data plane, so no packet is protected"
		}
	case d.Error != "":
		text += ", " + printable(d.Error)
	}
	writeWrapped(w, printable(d.Tunnel)+": ", text)
}

// usedSA is the SA that packets go out by; the zero one where there is none.
func usedSA(d ike.ChildStatus) ike.ChildSAStatus {
	for _, sa := range d.SAs {
		if sa.State == "used" {
			return sa
		}
	}
	return ike.ChildSAStatus{}
}

// dataAlgorithms names what a phase 2 tunnel uses, the weak ones marked.
func dataAlgorithms(d ike.ChildStatus) string {
	sa := usedSA(d)
	var words []string
	for _, p := range sa.Protocols {
		words = append(words, p.Protocol+" "+p.Algorithms)
	}
	text := strings.Join(words, " + ")
	if len(sa.Weak) > 0 {
		text += " (weak)"
	}
	return text
}

// writeDataTable prints a line for each phase 2 tunnel; nothing where there are none.
func writeDataTable(w io.Writer, list []ike.Status, now time.Time) {
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "P2\tNAME\tSTATUS\tLOCAL\tREMOTE\tALGORITHMS\tSECONDS LEFT")
	var all []ike.ChildStatus
	for _, s := range list {
		for _, d := range s.Data {
			all = append(all, d)
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dataNumber(d), printable(d.Tunnel), d.State,
				orDash(printable(d.Local)), orDash(printable(d.Remote)), orDash(dataAlgorithms(d)), orDash(dataRemaining(d, now)))
		}
	}
	if len(all) == 0 {
		return
	}
	t.Flush()
	fmt.Fprintln(w)
	i := -1
	negotiatedOnly := false
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
		if i >= 0 {
			d := all[i]
			if d.Error != "" && d.State != ike.TunnelActive && d.State != ike.TunnelNegotiating {
				writeWrapped(w, "    ", printable(d.Error))
			}
			negotiatedOnly = negotiatedOnly || d.NegotiatedOnly && d.State == ike.TunnelActive
		}
		i++
	}
	if negotiatedOnly {
		writeWrapped(w, "", "The daemon has no data plane: these SAs are negotiated only, and no packet is protected.")
	}
}

// dataNumber is the number of the definition, which what serves any traffic has not
// got.
func dataNumber(d ike.ChildStatus) string {
	if d.Number == 0 {
		return "-"
	}
	return strconv.Itoa(d.Number)
}

// dataRemaining is how much longer the SA in use lasts.
func dataRemaining(d ike.ChildStatus, now time.Time) string {
	if d.State != ike.TunnelActive || d.Expires.IsZero() {
		return ""
	}
	return strconv.FormatInt(int64(max(0, d.Expires.Sub(now))/time.Second), 10)
}

// writeDataTunnels prints a block for each phase 2 tunnel of a phase 1 tunnel, with
// the labels that "ike cmd=list verbose" has on AIX.
func writeDataTunnels(w io.Writer, s ike.Status, now time.Time) {
	for _, d := range s.Data {
		line := func(label, value string) {
			if value != "" {
				fmt.Fprintf(w, "%-24s%s\n", label, printable(value))
			}
		}
		fmt.Fprintln(w)
		line("Phase 2 Tunnel ID", dataNumber(d))
		line("Tunnel Name:", d.Tunnel)
		line("Local ID:", d.Local)
		line("Remote ID:", d.Remote)
		line("Mode:", "Oakley_quick")
		line("Security Policy:", d.Protection)
		line("Role:", title(d.Role))
		for _, sa := range d.SAs {
			writeDataSA(line, sa, now)
		}
		if d.KeyOverlap > 0 {
			line("Key Refresh Overlap:", strconv.Itoa(d.KeyOverlap)+"%")
		}
		if !d.TunnelExpires.IsZero() {
			line("Tun Rem Lifetime:", seconds(max(0, d.TunnelExpires.Sub(now))))
		}
		line("Assoc P1 Tunnel:", tunnelNumber(s))
		line("Status:", title(string(d.State)))
		if d.State == ike.TunnelFailed || d.State == ike.TunnelClosed {
			line("Ended:", d.Ended.Local().Format(time.DateTime))
		}
		line("Why:", d.Error)
		if d.NegotiatedOnly && d.State == ike.TunnelActive {
			line("Packets:", "not protected: the daemon has no data plane")
		}
	}
}

// writeDataSA prints one SA of a phase 2 tunnel.
func writeDataSA(line func(label, value string), sa ike.ChildSAStatus, now time.Time) {
	for _, p := range sa.Protocols {
		line(p.Protocol+" Transform:", p.Algorithms)
		line("Encap Mode:", p.Protocol+"_"+p.Encapsulation)
		line("SPIs:", p.SPIIn+" in, "+p.SPIOut+" out")
	}
	line("SA State:", sa.State)
	pfs := sa.PFS
	if pfs == "" {
		pfs = "No"
	}
	line("PFS:", pfs)
	line("Weak Algorithms:", strings.Join(sa.Weak, ", "))
	line("SA Lifetime:", seconds(time.Duration(sa.LifetimeSeconds)*time.Second))
	line("SA Lifesize:", fmt.Sprintf("%d Kbytes", sa.LifeKB))
	line("SA Rem Lifetime:", seconds(max(0, sa.Expires.Sub(now))))
	if sa.Counters != nil {
		line("Packets:", fmt.Sprintf("%d in, %d out; %d and %d bytes", sa.Counters.PacketsIn, sa.Counters.PacketsOut, sa.Counters.BytesIn, sa.Counters.BytesOut))
	}
}
