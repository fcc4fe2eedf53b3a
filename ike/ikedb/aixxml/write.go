package aixxml

import (
	"bufio"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
	"keyman/internal/dn"
)

// Write writes definitions as Read reads them: those of a DB, with its defaults
// filled, or some of them. Every attribute of AIX is written, one of keyman only
// where it says something. Without secrets, preshared keys are left out and only
// said to be there.
func Write(w io.Writer, d ikedb.Definitions, secrets bool) error {
	x := &writer{out: bufio.NewWriter(w)}
	x.line(`<?xml version="1.0" encoding="UTF-8"?>`)
	x.open(root, attr("Version", "2.0"))
	for _, p := range d.Proposals {
		x.proposal(p)
	}
	for _, p := range d.DataProtections {
		x.dataProtection(p)
	}
	for _, p := range d.Protections {
		x.protection(p)
	}
	for _, g := range d.Groups {
		x.open("IKEGroup", attr("IKE_GroupName", g.Name))
		x.identities(g.IDs)
		x.close()
	}
	for _, k := range d.PresharedKeys {
		x.presharedKey(k, secrets)
	}
	last := 0
	for _, t := range d.Tunnels {
		x.tunnel(t, last)
		last = t.Number
	}
	last = 0
	for _, t := range d.DataTunnels {
		x.dataTunnel(t, last)
		last = t.Number
	}
	x.close()
	if x.err != nil {
		return x.err
	}
	return x.out.Flush()
}

// A writer writes elements, each on a line of its own, and keeps the first error.
type writer struct {
	out    *bufio.Writer
	opened []string
	err    error
}

// An attribute is one that is written; without a value it is left out.
type attribute struct {
	name, value string
}

func attr(name, value string) attribute { return attribute{name, value} }

func (x *writer) line(text string) {
	if x.err == nil {
		_, x.err = x.out.WriteString(strings.Repeat("  ", len(x.opened)) + text + "\n")
	}
}

func (x *writer) open(name string, attrs ...attribute) {
	x.line("<" + name + attributesText(attrs) + ">")
	x.opened = append(x.opened, name)
}

func (x *writer) close() {
	name := x.opened[len(x.opened)-1]
	x.opened = x.opened[:len(x.opened)-1]
	x.line("</" + name + ">")
}

func (x *writer) empty(name string, attrs ...attribute) {
	x.line("<" + name + attributesText(attrs) + "/>")
}

func attributesText(attrs []attribute) string {
	var b strings.Builder
	for _, a := range attrs {
		if a.value == "" {
			continue
		}
		b.WriteString(" " + a.name + `="`)
		// A strings.Builder takes everything.
		_ = xml.EscapeText(&b, []byte(a.value))
		b.WriteString(`"`)
	}
	return b.String()
}

func flagText(yes bool) string { return wordFor(flags, yes) }

func number[T int | uint8 | uint16 | uint32 | suite.Group](n T) string {
	return strconv.FormatUint(uint64(n), 10)
}

// numberUnless writes a number, nothing where it is as usual.
func numberUnless[T int | uint16 | uint32](n, usual T) string {
	if n == usual {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}

// minutes writes a length of time as two attributes, of which one is empty:
// minutes, or a number of seconds that makes no whole minutes. 0 is none.
func minutes(name, words string, d time.Duration) []attribute {
	switch {
	case d == 0:
		return nil
	case d%time.Minute == 0:
		return []attribute{attr(name, strconv.FormatInt(int64(d/time.Minute), 10))}
	}
	return []attribute{attr(words, d.String())}
}

func durationUnless(d, usual time.Duration) string {
	if d == usual {
		return ""
	}
	return d.String()
}

func weakText(allowed bool) string {
	if !allowed {
		return ""
	}
	return wordFor(weak, true)
}

// lifeAttributes writes what protections of both phases have; sized is whether the
// sizes of transforms count.
func lifeAttributes(l ikedb.Life, prefix string, sized bool) []attribute {
	refresh := prefix + "ResponderKeyRefresh"
	attrs := []attribute{attr(prefix+"KeyOverlap", number(l.KeyOverlap)), attr(prefix+"Flags_UseLifeSize", flagText(sized))}
	attrs = append(attrs, minutes(refresh+"MinMinutes", "Keyman_ResponderMinLifetime", l.Responder.MinLifetime)...)
	attrs = append(attrs, minutes(refresh+"MaxMinutes", "Keyman_ResponderMaxLifetime", l.Responder.MaxLifetime)...)
	return append(attrs,
		attr(refresh+"MinKB", numberUnless(l.Responder.MinKB, 0)), attr(refresh+"MaxKB", numberUnless(l.Responder.MaxKB, 0)),
		attr("Keyman_TunnelLifetime", durationUnless(l.TunnelLifetime, 0)), attr("Keyman_TunnelLifeKB", numberUnless(l.TunnelKB, 0)))
}

func (x *writer) protection(p ikedb.Protection) {
	method := p.Auth
	if p.Auth.CRL() {
		method, _ = find(authMethods, wordFor(crlMethods, p.Auth))
	}
	attrs := []attribute{
		attr("IKE_ProtectionName", p.Name), attr("IKE_Role", wordFor(roles, p.Role)), attr("IKE_XCHGMode", wordFor(modes, p.Mode)),
		attr("IKE_Flags_UseCRL", flagText(p.Auth.CRL())),
	}
	sized := !p.IgnoreSizes && slices.ContainsFunc(p.Transforms, func(t suite.Transform) bool { return t.LifeKB != 0 })
	attrs = append(attrs, lifeAttributes(p.Life, "IKE_", sized)...)
	var types []string
	for _, typ := range p.Generic.Local {
		types = append(types, wordFor(genericTypes, genericType{false, typ}))
	}
	for _, typ := range p.Generic.Remote {
		types = append(types, wordFor(genericTypes, genericType{true, typ}))
	}
	revocation := ""
	if p.Auth.CRL() && p.Revocation != crl.Strict {
		revocation = wordFor(revocations, p.Revocation)
	}
	attrs = append(attrs,
		attr("IKE_IPSecDefaultProtectionRef", p.Generic.Protection), attr("IKE_IPSecDefaultAllowedTypes", strings.Join(types, " ")),
		attr("Keyman_Weak", weakText(p.AllowWeak)), attr("Keyman_Revocation", revocation),
		attr("Keyman_CRLTimeout", durationUnless(p.CRLTimeout, crl.DefaultTimeout)),
		attr("Keyman_CRLGrace", durationUnless(p.CRLGrace, 0)))
	x.open("IKEProtection", attrs...)
	for _, t := range p.Transforms {
		attrs := []attribute{
			attr("IKE_AuthenticationMethod", wordFor(authMethods, method)), attr("IKE_Encryption", wordFor(ciphers, cipher{t.Encryption, t.KeyBits})),
			attr("IKE_Hash", wordFor(hashes, t.Hash)), attr("IKE_DHGroup", number(t.Group)),
		}
		attrs = append(attrs, minutes("IKE_KeyRefreshMinutes", "Keyman_Lifetime", t.Lifetime)...)
		x.empty("IKETransform", append(attrs, attr("IKE_KeyRefreshKB", number(t.LifeKB)))...)
	}
	x.close()
}

// identity writes the element of an identity, with an address within it unless
// that is not valid.
func (x *writer) identity(id ikedb.Identity, within netip.Addr) {
	value := id.Value()
	if id.Type() == isakmp.IDDERASN1DN {
		// The form of AIX, where it says the same.
		if name, err := dn.Parse(value); err == nil {
			value = name.Slash()
		}
	}
	x.holder(wordFor(idTypes, id.Type()), attr("Value", value), within)
}

// holder writes an element that may have an address within it.
func (x *writer) holder(name string, a attribute, within netip.Addr) {
	if !within.IsValid() {
		x.empty(name, a)
		return
	}
	x.open(name, a)
	x.empty(addressElement(within), attr("Value", within.String()))
	x.close()
}

func addressElement(addr netip.Addr) string {
	if addr.Is4() {
		return "IPV4_Address"
	}
	return "IPV6_Address"
}

func (x *writer) identities(ids []ikedb.Identity) {
	for _, id := range ids {
		x.identity(id, netip.Addr{})
	}
}

func (x *writer) presharedKey(k ikedb.PresharedKey, secrets bool) {
	octets := k.Secret.Bytes()
	defer clear(octets)
	attrs := []attribute{attr("Value", string(octets)), attr("Format", "ASCII")}
	switch {
	case !secrets:
		attrs = []attribute{attr("Format", "Hidden")}
	case !readable(octets):
		attrs = []attribute{attr("Value", hex.EncodeToString(octets)), attr("Format", "Hex")}
	}
	x.open("IKEPresharedKey", attrs...)
	x.identities(k.IDs)
	x.close()
}

// readable reports whether octets are printable ASCII.
func readable(octets []byte) bool {
	for _, c := range octets {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func (x *writer) tunnel(t ikedb.Tunnel, last int) {
	x.open("IKETunnel",
		attr("IKE_TunnelName", t.Name), attr("IKE_ProtectionRef", t.Protection), attr("IKE_Flags_AutoStart", flagText(t.AutoStart)),
		attr("IKE_Flags_MakeRuleWithOptionalIP", flagText(t.OptionalIPRule)),
		attr("Keyman_Number", numberUnless(t.Number, last+1)), attr("Keyman_Certificate", t.Local.Certificate))
	x.end("IKELocalIdentity", end{id: t.Local.ID, addr: t.Local.Address})
	x.end("IKERemoteIdentity", end{id: t.Remote.ID, addr: t.Remote.Address, group: t.Remote.Group, port: t.Remote.Port, nattPort: t.Remote.NATTPort})
	x.close()
}

// end writes one end of a phase 1 tunnel.
func (x *writer) end(name string, e end) {
	within, anyAddress := e.addr, ""
	switch {
	case !e.id.Addr().IsValid():
	case e.addr == e.id.Addr():
		within = netip.Addr{}
	case !e.addr.IsValid():
		anyAddress = "Any"
	}
	attrs := []attribute{attr("Keyman_Address", anyAddress)}
	if e.port != 0 {
		attrs = append(attrs, attr("Keyman_Port", numberUnless(e.port, ikedb.DefaultPort)))
	}
	if e.nattPort != 0 {
		attrs = append(attrs, attr("Keyman_NATTPort", numberUnless(e.nattPort, ikedb.DefaultNATTPort)))
	}
	x.open(name, attrs...)
	if e.group != "" {
		x.holder(groupRef, attr("IKE_GroupName", e.group), within)
	} else {
		x.identity(e.id, within)
	}
	x.close()
}

func (x *writer) proposal(p ikedb.Proposal) {
	x.open("IPSecProposal", attr("IPSec_ProposalName", p.Name))
	for _, t := range p.ESP {
		x.empty("IPSecESPProtocol", append([]attribute{attr("ESP_Encryption", wordFor(espCiphers, espCipher{t.Cipher, t.KeyBits}))}, dataAttributes("ESP_", t)...)...)
	}
	for _, t := range p.AH {
		x.empty("IPSecAHProtocol", dataAttributes("AH_", t)...)
	}
	x.close()
}

func dataAttributes(prefix string, t ikedb.DataTransform) []attribute {
	attrs := []attribute{
		attr(prefix+"Authentication", wordFor(integrities, t.Integrity)), attr(prefix+"EncapsulationMode", wordFor(encapsulations, t.Encapsulation)),
	}
	attrs = append(attrs, minutes(prefix+"KeyRefreshMinutes", "Keyman_Lifetime", t.Lifetime)...)
	return append(attrs, attr(prefix+"KeyRefreshKB", number(t.LifeKB)), attr(prefix+"ExtendedSeqNum", wordFor(extendedNumbers, t.ESN)))
}

func (x *writer) dataProtection(p ikedb.DataProtection) {
	attrs := []attribute{
		attr("IPSec_ProtectionName", p.Name), attr("IPSec_Role", wordFor(roles, p.Role)), attr("IPSec_ProposalRefs", strings.Join(p.Proposals, " ")),
	}
	initiator := noPFS
	if p.PFS != 0 {
		initiator = number(p.PFS)
	}
	var responder []string
	for _, g := range p.AcceptPFS {
		if g == 0 {
			responder = append(responder, noPFS)
		} else {
			responder = append(responder, groupPrefix+number(g))
		}
	}
	attrs = append(attrs, attr("IPSec_InitiatorDHGroup", initiator), attr("IPSec_ResponderDHGroup", strings.Join(responder, " ")),
		attr("IPSec_Flags_UseCommitBit", flagText(p.CommitBit)))
	x.empty("IPSecProtection", append(append(attrs, lifeAttributes(p.Life, "IPSec_", !p.IgnoreSizes)...), attr("Keyman_Weak", weakText(p.AllowWeak)))...)
}

func (x *writer) dataTunnel(t ikedb.DataTunnel, last int) {
	x.open("IPSecTunnel",
		attr("IPSec_TunnelName", t.Name), attr("IKE_TunnelName", t.Tunnel), attr("IPSec_ProtectionRef", t.Protection),
		attr("IPSec_Flags_AutoStart", flagText(t.AutoStart)), attr("IPSec_Flags_OnDemand", flagText(t.OnDemand)),
		attr("Keyman_Number", numberUnless(t.Number, last+1)))
	x.selector("IPSecLocalIdentity", t.Local, "")
	x.selector("IPSecRemoteIdentity", t.Remote.Selector, t.Remote.Group)
	x.close()
}

// selector writes which data there is at one end.
func (x *writer) selector(name string, s ikedb.Selector, group string) {
	last := s.Port
	if s.Port == 0 {
		last = 65535
	}
	x.open(name, attr("Protocol", number(s.Protocol)), attr("Port", number(s.Port)), attr("EndPort", number(last)))
	e := s.Endpoint
	family := "IPV6_"
	if e.First().Is4() {
		family = "IPV4_"
	}
	switch {
	case group != "":
		x.empty(groupRef, attr("IKE_GroupName", group))
	case e.IsHost():
		x.empty(family+"Address", attr("Value", e.First().String()))
	case e.Prefix().IsValid():
		x.empty(family+"Subnet", attr("Value", e.First().String()), attr("Netmask", maskText(e.Prefix())))
	default:
		x.empty(family+"Address_Range", attr("From_IPAddr", e.First().String()), attr("To_IPAddr", e.Last().String()))
	}
	x.close()
}

// maskText writes a network mask as an address.
func maskText(p netip.Prefix) string {
	mask, err := all1(p.Addr().Is4()).Prefix(p.Bits())
	if err != nil {
		return fmt.Sprint(p.Bits())
	}
	return mask.Addr().String()
}
