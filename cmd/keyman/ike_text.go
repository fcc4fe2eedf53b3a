package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/suite"
)

// writeOutcome prints what became of an activation.
func writeOutcome(w io.Writer, s ike.Status) {
	text := string(s.State)
	switch s.State {
	case ike.TunnelActive:
		text += ", with " + printable(s.RemoteID) + ", " + algorithms(s)
	default:
		if s.Error != "" {
			text += ", " + printable(s.Error)
		}
	}
	writeWrapped(w, printable(s.Tunnel)+": ", text)
	writeReasons(w, furtherReasons(s))
	for _, d := range s.Data {
		writeDataOutcome(w, d)
	}
}

// furtherReasons are the reasons that the error has not told already.
func furtherReasons(s ike.Status) []crl.Reason {
	return slices.DeleteFunc(slices.Clone(s.Reasons), func(r crl.Reason) bool { return strings.Contains(s.Error, r.Text) })
}

// algorithms names what a tunnel uses, the weak ones marked.
func algorithms(s ike.Status) string {
	if len(s.Weak) == 0 {
		return s.Transform
	}
	return s.Transform + " (weak: " + strings.Join(s.Weak, ", ") + ")"
}

// writeTable prints a line for each tunnel.
func writeTable(w io.Writer, list []ike.Status, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(w, "no tunnels")
		return
	}
	const columns = "No\tNAME\tSTATUS\tPEER\tALGORITHMS\tSECONDS LEFT"
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, columns)
	for _, s := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", tunnelNumber(s), orDash(printable(s.Tunnel)), s.State,
			orDash(printable(peer(s))), orDash(algorithmsShort(s)), orDash(remaining(s, now)))
	}
	t.Flush()
	// What failed or was ended says why, below its line.
	i := -1
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
		if i >= 0 && endedBadly(list[i]) {
			writeWrapped(w, "    ", printable(list[i].Error))
		}
		if i >= 0 && len(list[i].OwnReasons) > 0 {
			writeWrapped(w, "    ", printable("our own certificate: "+list[i].OwnReasons[0].Text))
		}
		i++
	}
	writeDataTable(w, list, now)
}

// endedBadly reports whether a negotiation failed, or a tunnel was ended because the
// peer's certificate is not good any more.
func endedBadly(s ike.Status) bool {
	return s.State == ike.TunnelFailed ||
		s.State == ike.TunnelClosed && slices.ContainsFunc(s.Reasons, func(r crl.Reason) bool { return r.Severity == crl.Fatal })
}

// peer is whom a tunnel is for: the identity without its type, or the address.
func peer(s ike.Status) string {
	if s.RemoteID != "" {
		return idValue(s.RemoteID)
	}
	return address(s)
}

// algorithmsShort names what a tunnel uses, and whether any of it is weak.
func algorithmsShort(s ike.Status) string {
	if len(s.Weak) == 0 {
		return s.Transform
	}
	return s.Transform + " (weak)"
}

// writeTunnels prints a block for each tunnel, with the labels that "ike
// cmd=list verbose" has on AIX.
func writeTunnels(w io.Writer, list []ike.Status, now time.Time) {
	for i, s := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		line := func(label, value string) {
			if value != "" {
				fmt.Fprintf(w, "%-24s%s\n", label, printable(value))
			}
		}
		line("Phase 1 Tunnel ID", tunnelNumber(s))
		line("Tunnel Name:", s.Tunnel)
		line("Local ID Type:", idType(s.LocalID))
		line("Local ID:", idValue(s.LocalID))
		line("Remote ID Type:", idType(s.RemoteID))
		line("Remote ID:", idValue(s.RemoteID))
		if s.Local.IsValid() {
			line("Local Address:", s.Local.String())
		}
		line("Remote Address:", address(s))
		line("Mode:", s.Mode)
		line("Security Policy:", s.Protection)
		line("Role:", title(s.Role))
		line("Encryption Alg:", s.Encryption)
		line("Auth Alg:", authName(s.Auth))
		line("Hash Alg:", s.Hash)
		line("DH Group:", s.Group)
		line("Weak Algorithms:", strings.Join(s.Weak, ", "))
		if s.State == ike.TunnelActive && !s.Expires.IsZero() {
			line("Key Lifetime:", seconds(s.Expires.Sub(s.Established)))
			line("Key Rem Lifetime:", seconds(max(0, s.Expires.Sub(now))))
		}
		if s.NAT.Found() {
			line("NAT:", natText(s))
		}
		line("Status:", title(string(s.State)))
		line("Step:", s.Detail)
		if s.State == ike.TunnelFailed || s.State == ike.TunnelClosed {
			line("Ended:", s.Ended.Local().Format(time.DateTime))
			line("Why:", s.Error)
		}
		for _, r := range s.OwnReasons {
			line("Own Certificate:", r.Text)
		}
		writeReasons(w, furtherReasons(s))
		writeDataTunnels(w, s, now)
	}
}

// tunnelNumber is the number of the definition, which a negotiation that a
// stranger began has not got.
func tunnelNumber(s ike.Status) string {
	if s.Number == 0 {
		return "-"
	}
	return strconv.Itoa(s.Number)
}

// address is the peer's.
func address(s ike.Status) string {
	if !s.Remote.IsValid() {
		return "any"
	}
	return s.Remote.String()
}

// remaining is how much longer an active tunnel lasts.
func remaining(s ike.Status, now time.Time) string {
	if s.State != ike.TunnelActive || s.Expires.IsZero() {
		return ""
	}
	return strconv.FormatInt(int64(max(0, s.Expires.Sub(now))/time.Second), 10)
}

// seconds writes a length of time as AIX does.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + " Seconds"
}

// idTypeNames are the names of identity types in lists.
var idTypeNames = map[string]string{
	"ipv4": "IPv4_Address", "ipv6": "IPv6_Address", "fqdn": "Fully_Qualified_Domain_Name",
	"user_fqdn": "User_Fully_Qualified_Domain_Name", "dn": "ASN1_DN", "key_id": "Key_ID", "group": "Group",
}

// idType names the type of a written identity.
func idType(id string) string {
	word, _, _ := strings.Cut(id, ":")
	return idTypeNames[word]
}

// idValue is a written identity without its type.
func idValue(id string) string {
	if word, value, ok := strings.Cut(id, ":"); ok && idTypeNames[word] != "" {
		return value
	}
	return id
}

// authName names an authentication method.
func authName(auth string) string {
	method := ikedb.AuthMethod(auth)
	var name string
	switch method.Suite() {
	case suite.PresharedKey:
		return "Preshared Key"
	case suite.RSASignature:
		name = "RSA Signature"
	case suite.ECDSA256:
		name = "ECDSA-256 Signature"
	case suite.ECDSA384:
		name = "ECDSA-384 Signature"
	case suite.ECDSA521:
		name = "ECDSA-521 Signature"
	default:
		return auth
	}
	if method.CRL() {
		name += " with CRL Checking"
	}
	return name
}

// natText says where address translation was found.
func natText(s ike.Status) string {
	var where []string
	if s.NAT.Local {
		where = append(where, "here")
	}
	if s.NAT.Remote {
		where = append(where, "at the peer")
	}
	return strings.Join(where, " and ")
}

// title writes a word with a capital.
func title(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// orDash fills an empty field of a table.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
