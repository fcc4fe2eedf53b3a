package aixxml

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A Document is what a file defines.
type Document struct {
	ikedb.Definitions
	lines map[ikedb.Kind][]int // of the definitions, in their order
}

// Read reads a file. Entities, which may be nil, are by name what &name; stands
// for. What is wrong with the file is an *Error. The definitions are not yet
// checked as a whole: they may refer to others. A preshared key that was left out
// when the file was written has an empty secret.
func Read(r io.Reader, entities map[string]string) (*Document, error) {
	s := newScanner(r, entities)
	if err := s.start(); err != nil {
		return nil, err
	}
	d := &Document{lines: make(map[ikedb.Kind][]int)}
	for {
		e, err := s.next()
		if err != nil || e == nil {
			return d, err
		}
		if err := d.add(e); err != nil {
			return nil, err
		}
	}
}

// add reads one definition.
func (d *Document) add(e *element) error {
	kind, ok := Kind(e.name)
	if !ok || wordFor(kinds, kind) != e.name {
		return e.errorf("", "use "+wordsOf(kinds), "the element is not known")
	}
	if len(d.lines[kind]) == ikedb.MaxTunnels {
		return e.errorf("", "use several databases", "there are more than %d of these", ikedb.MaxTunnels)
	}
	d.lines[kind] = append(d.lines[kind], e.line)
	switch kind {
	case ikedb.KindProposal:
		return readTo(&d.Proposals, e, readProposal)
	case ikedb.KindDataProtection:
		return readTo(&d.DataProtections, e, readDataProtection)
	case ikedb.KindProtection:
		return readTo(&d.Protections, e, readProtection)
	case ikedb.KindGroup:
		return readTo(&d.Groups, e, readGroup)
	case ikedb.KindPresharedKey:
		return readTo(&d.PresharedKeys, e, readPresharedKey)
	case ikedb.KindTunnel:
		return readTo(&d.Tunnels, e, readTunnel)
	default:
		return readTo(&d.DataTunnels, e, readDataTunnel)
	}
}

func readTo[T any](into *[]T, e *element, read func(*element) (T, error)) error {
	one, err := read(e)
	if err != nil {
		return err
	}
	*into = append(*into, one)
	return nil
}

// unknownChild refuses an element within another.
func unknownChild(e, child *element, known string) error {
	return &Error{Line: child.line, Element: e.label, Attribute: child.name, Text: "the element does not belong there", Fix: known}
}

// readLife reads what protections of both phases have.
func readLife(a *attributes, prefix string) ikedb.Life {
	l := ikedb.Life{
		KeyOverlap:     int(a.positive(prefix+"KeyOverlap", ikedb.MaxKeyOverlap)),
		IgnoreSizes:    !a.flag(prefix + "Flags_UseLifeSize"),
		TunnelLifetime: a.words("Keyman_TunnelLifetime"), TunnelKB: uint32(a.number("Keyman_TunnelLifeKB", math.MaxUint32)),
	}
	refresh := prefix + "ResponderKeyRefresh"
	l.Responder = ikedb.LifeBounds{
		MinLifetime: a.duration(refresh+"MinMinutes", "Keyman_ResponderMinLifetime"), MaxLifetime: a.duration(refresh+"MaxMinutes", "Keyman_ResponderMaxLifetime"),
		MinKB: uint32(a.number(refresh+"MinKB", math.MaxUint32)), MaxKB: uint32(a.number(refresh+"MaxKB", math.MaxUint32)),
	}
	return l
}

func readProtection(e *element) (ikedb.Protection, error) {
	a := newAttributes(e)
	p := ikedb.Protection{
		Name: a.named("IKE_ProtectionName"), Role: choose(a, "IKE_Role", roles), Mode: choose(a, "IKE_XCHGMode", modes),
		Life: readLife(a, "IKE_"), AllowWeak: choose(a, "Keyman_Weak", weak), CRLTimeout: a.words("Keyman_CRLTimeout"),
		CRLGrace: a.words("Keyman_CRLGrace"),
	}
	useCRL := a.flag("IKE_Flags_UseCRL")
	_, asked := a.values["Keyman_Revocation"]
	revocation := choose(a, "Keyman_Revocation", revocations)
	p.Generic.Protection = a.text("IKE_IPSecDefaultProtectionRef")
	for _, word := range strings.Fields(a.text("IKE_IPSecDefaultAllowedTypes")) {
		t, ok := find(genericTypes, word)
		switch {
		case !ok:
			a.fail("IKE_IPSecDefaultAllowedTypes", "use "+wordsOf(genericTypes), "%q is not known", word)
		case t.remote:
			p.Generic.Remote = append(p.Generic.Remote, t.typ)
		default:
			p.Generic.Local = append(p.Generic.Local, t.typ)
		}
	}
	if err := a.done(); err != nil {
		return p, err
	}
	for i, child := range e.children {
		if child.name != "IKETransform" {
			return p, unknownChild(e, child, "use IKETransform")
		}
		t, auth, err := readTransform(child)
		if err != nil {
			return p, err
		}
		if i > 0 && auth != p.Auth {
			return p, child.errorf("IKE_AuthenticationMethod", "make a protection, and a tunnel, for each method",
				"%s here and %s before: the peer could choose the one that proves less", wordFor(authMethods, auth), wordFor(authMethods, p.Auth))
		}
		p.Auth = auth
		p.Transforms = append(p.Transforms, t)
	}
	return p, setRevocation(&p, e, useCRL, asked, revocation)
}

// setRevocation gives a protection the method that asks for revocation lists, if
// it does.
func setRevocation(p *ikedb.Protection, e *element, useCRL, asked bool, revocation crl.Revocation) error {
	switch {
	case useCRL && p.Auth == ikedb.AuthPresharedKey:
		return e.errorf("IKE_Flags_UseCRL", "leave it out", "with a preshared key there is no certificate to check")
	case asked && !useCRL:
		return e.errorf("Keyman_Revocation", `write IKE_Flags_UseCRL="Yes", too`, "no revocation list is asked for")
	case useCRL:
		p.Auth, _ = find(crlMethods, wordFor(authMethods, p.Auth))
		p.Revocation = revocation
	case p.Auth != ikedb.AuthPresharedKey && p.Auth != "":
		p.Revocation = crl.Off
	}
	return nil
}

func readTransform(e *element) (suite.Transform, ikedb.AuthMethod, error) {
	a := newAttributes(e)
	auth := must(a, "IKE_AuthenticationMethod", authMethods)
	c := must(a, "IKE_Encryption", ciphers)
	t := suite.Transform{
		Encryption: c.encryption, KeyBits: c.keyBits, Hash: must(a, "IKE_Hash", hashes),
		Group:  suite.Group(a.positive("IKE_DHGroup", math.MaxUint16)),
		LifeKB: uint32(a.number("IKE_KeyRefreshKB", math.MaxUint32)),
	}
	a.need("IKE_DHGroup")
	t.Lifetime = lifetime(a, "IKE_KeyRefreshMinutes")
	if err := a.done(); err != nil {
		return t, auth, err
	}
	switch {
	case t.Encryption == suite.DES:
		return t, auth, e.errorf("IKE_Encryption", "use 3DES-CBC, or better AES-CBC-128", "DES-CBC is not spoken in phase 1: its keys are found in hours")
	case !t.Group.Known():
		return t, auth, e.errorf("IKE_DHGroup", "use 14 to 21, or for old peers 1, 2 or 5", "%v is not known", t.Group)
	}
	return t, auth, noChildren(e)
}

// lifetime returns the life of a key, 0 where nothing is said.
func lifetime(a *attributes, minutes string) time.Duration {
	d := a.duration(minutes, "Keyman_Lifetime")
	if _, there := a.values[minutes]; there && d == 0 {
		a.fail(minutes, "leave it out, or give at least one minute", "a key that lasts 0 minutes")
	}
	return d
}

func noChildren(e *element) error {
	if len(e.children) > 0 {
		return unknownChild(e, e.children[0], "leave it out")
	}
	return nil
}

func readGroup(e *element) (ikedb.Group, error) {
	a := newAttributes(e)
	g := ikedb.Group{Name: a.named("IKE_GroupName")}
	if err := a.done(); err != nil {
		return g, err
	}
	var err error
	g.IDs, err = readIDs(e)
	return g, err
}

// readIDs reads the identities of a group or a preshared key.
func readIDs(e *element) ([]ikedb.Identity, error) {
	var ids []ikedb.Identity
	for _, child := range e.children {
		id, optional, err := readIdentity(e, child)
		if err != nil {
			return nil, err
		}
		if optional.IsValid() {
			return nil, unknownChild(child, child.children[0], "leave it out")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// readIdentity reads an identity and the optional address within it.
func readIdentity(parent, e *element) (ikedb.Identity, netip.Addr, error) {
	a := newAttributes(e)
	value := a.need("Value")
	id, known, err := ParseIdentity(e.name, value)
	switch {
	case !known || wordFor(idTypes, id.Type()) != e.name && err == nil:
		return id, netip.Addr{}, unknownChild(parent, e, "use "+wordsOf(idTypes))
	case a.err == nil && err != nil:
		a.fail("Value", "write it as its type demands", "%v", err)
	}
	if err := a.done(); err != nil {
		return id, netip.Addr{}, err
	}
	switch len(e.children) {
	case 0:
		return id, netip.Addr{}, nil
	case 1:
		optional, _, err := readIdentity(e, e.children[0])
		if err != nil {
			return id, netip.Addr{}, err
		}
		if !optional.Addr().IsValid() || len(e.children[0].children) > 0 {
			return id, netip.Addr{}, unknownChild(e, e.children[0], "use IPV4_Address or IPV6_Address")
		}
		return id, optional.Addr(), nil
	}
	return id, netip.Addr{}, e.errorf("", "leave one", "two addresses beside one identity")
}

func readPresharedKey(e *element) (ikedb.PresharedKey, error) {
	var (
		k     ikedb.PresharedKey
		a     = newAttributes(e)
		value = a.text("Value")
		octet = []byte(value)
	)
	format := choose(a, "Format", []choice[string]{{"ASCII", "ASCII"}, {"Hex", "Hex"}, {"Hidden", "Hidden"}})
	_, there := a.values["Value"]
	switch {
	case format == "Hidden":
		if there {
			a.fail("Value", "leave it out, or write Format=\"ASCII\"", "it is there, and Format says that it is not shown")
		}
	case value == "":
		a.fail("Value", "give it, or write Format=\"Hidden\" to keep the one in the database", "there is no key")
	case format == "Hex":
		var err error
		if octet, err = hex.DecodeString(value); err != nil {
			// The error of hex would show a character of the key.
			a.fail("Value", "write the digits alone, without 0x or blanks", "it is not pairs of hexadecimal digits")
		}
	}
	if err := a.done(); err != nil {
		return k, err
	}
	k.Secret = ikedb.NewSecret(octet)
	clear(octet)
	var err error
	k.IDs, err = readIDs(e)
	return k, err
}

func readTunnel(e *element) (ikedb.Tunnel, error) {
	a := newAttributes(e)
	t := ikedb.Tunnel{
		Name: a.named("IKE_TunnelName"), Protection: a.need("IKE_ProtectionRef"), AutoStart: a.flag("IKE_Flags_AutoStart"),
		OptionalIPRule: a.flag("IKE_Flags_MakeRuleWithOptionalIP"), Number: int(a.positive("Keyman_Number", ikedb.MaxNumber)),
	}
	t.Local.Certificate = a.text("Keyman_Certificate")
	if err := a.done(); err != nil {
		return t, err
	}
	local, remote, err := ends(e, "IKELocalIdentity", "IKERemoteIdentity")
	if err != nil {
		return t, err
	}
	end, err := readEnd(local, false)
	if err != nil {
		return t, err
	}
	t.Local.ID, t.Local.Address = end.id, end.addr
	if end, err = readEnd(remote, true); err != nil {
		return t, err
	}
	t.Remote = ikedb.RemoteEnd{ID: end.id, Address: end.addr, Group: end.group, Port: end.port, NATTPort: end.nattPort}
	return t, nil
}

// ends returns the two ends of a tunnel, each of which must be there once.
func ends(e *element, localName, remoteName string) (local, remote *element, err error) {
	for _, child := range e.children {
		var end **element
		switch child.name {
		case localName:
			end = &local
		case remoteName:
			end = &remote
		default:
			return nil, nil, unknownChild(e, child, "use "+localName+" and "+remoteName)
		}
		if *end != nil {
			return nil, nil, unknownChild(e, child, "leave one of the two")
		}
		*end = child
		child.label = e.label + ": " + child.name
	}
	for name, end := range map[string]*element{localName: local, remoteName: remote} {
		if end == nil {
			return nil, nil, e.errorf(name, "say who is at this end", "the element is missing")
		}
	}
	return local, remote, nil
}

// An end is one end of a phase 1 tunnel.
type end struct {
	id             ikedb.Identity
	addr           netip.Addr
	group          string
	port, nattPort uint16
}

// groupRef is the element that names a group.
const groupRef = "IKEGroupRef"

// readEnd reads an end. Its address is the optional one, or else the identity.
func readEnd(e *element, remote bool) (end, error) {
	var r end
	a := newAttributes(e)
	anyAddress := choose(a, "Keyman_Address", []choice[bool]{{"", false}, {"Any", true}})
	if remote {
		r.port = uint16(a.positive("Keyman_Port", math.MaxUint16))
		r.nattPort = uint16(a.positive("Keyman_NATTPort", math.MaxUint16))
	}
	if err := a.done(); err != nil {
		return r, err
	}
	if len(e.children) != 1 {
		return r, e.errorf("", "leave one", "%d identities: want one", len(e.children))
	}
	child := e.children[0]
	var err error
	if child.name == groupRef {
		r.group, r.addr, err = readGroupRef(e, child, remote)
		return r, err
	}
	if r.id, r.addr, err = readIdentity(e, child); err != nil {
		return r, err
	}
	if anyAddress {
		if r.addr.IsValid() {
			return r, e.errorf("Keyman_Address", "leave it out", "the identity has an address beside it")
		}
		return r, nil
	}
	if !r.addr.IsValid() {
		r.addr = r.id.Addr()
	}
	return r, nil
}

// readGroupRef reads the name of a group, and the address that may stand in it.
func readGroupRef(parent, e *element, remote bool) (string, netip.Addr, error) {
	a := newAttributes(e)
	name := a.need("IKE_GroupName")
	if err := a.done(); err != nil {
		return "", netip.Addr{}, err
	}
	if !remote {
		return "", netip.Addr{}, parent.errorf(groupRef, "name one identity: only the remote end may be a group", "the group %q stands at the local end", name)
	}
	if len(e.children) == 0 {
		return name, netip.Addr{}, nil
	}
	optional, _, err := readIdentity(e, e.children[0])
	if err != nil {
		return "", netip.Addr{}, err
	}
	if len(e.children) > 1 || !optional.Addr().IsValid() {
		return "", netip.Addr{}, unknownChild(e, e.children[len(e.children)-1], "use one IPV4_Address or IPV6_Address")
	}
	return name, optional.Addr(), nil
}

func readProposal(e *element) (ikedb.Proposal, error) {
	a := newAttributes(e)
	p := ikedb.Proposal{Name: a.named("IPSec_ProposalName")}
	if err := a.done(); err != nil {
		return p, err
	}
	for _, child := range e.children {
		switch child.name {
		case "IPSecESPProtocol":
			t, err := readESP(child)
			if err != nil {
				return p, err
			}
			p.ESP = append(p.ESP, t)
		case "IPSecAHProtocol":
			t, err := readAH(child)
			if err != nil {
				return p, err
			}
			p.AH = append(p.AH, t)
		default:
			return p, unknownChild(e, child, "use IPSecESPProtocol and IPSecAHProtocol")
		}
	}
	return p, nil
}

func readESP(e *element) (ikedb.DataTransform, error) {
	a := newAttributes(e)
	c := must(a, "ESP_Encryption", espCiphers)
	t := readDataTransform(a, "ESP_")
	t.Protocol, t.Cipher, t.KeyBits = isakmp.ProtocolESP, c.cipher, c.keyBits
	t.Integrity = choose(a, "ESP_Authentication", integrities)
	if err := a.done(); err != nil {
		return t, err
	}
	if err := t.Validate(); err != nil {
		return t, e.errorf("ESP_Authentication", "give ciphers that do not authenticate by themselves one that does, and the others NONE", "%v", err)
	}
	return t, noChildren(e)
}

func readAH(e *element) (ikedb.DataTransform, error) {
	a := newAttributes(e)
	t := readDataTransform(a, "AH_")
	t.Protocol = isakmp.ProtocolAH
	t.Integrity = must(a, "AH_Authentication", integrities[1:])
	if err := a.done(); err != nil {
		return t, err
	}
	return t, noChildren(e)
}

// readDataTransform reads what ESP and AH have in common.
func readDataTransform(a *attributes, prefix string) ikedb.DataTransform {
	return ikedb.DataTransform{
		IPsec:         suite.IPsec{ESN: choose(a, prefix+"ExtendedSeqNum", extendedNumbers)},
		Encapsulation: choose(a, prefix+"EncapsulationMode", encapsulations),
		Lifetime:      lifetime(a, prefix+"KeyRefreshMinutes"),
		LifeKB:        uint32(a.number(prefix+"KeyRefreshKB", math.MaxUint32)),
	}
}

func readDataProtection(e *element) (ikedb.DataProtection, error) {
	a := newAttributes(e)
	p := ikedb.DataProtection{
		Name: a.named("IPSec_ProtectionName"), Role: choose(a, "IPSec_Role", roles), Proposals: strings.Fields(a.need("IPSec_ProposalRefs")),
		CommitBit: a.flag("IPSec_Flags_UseCommitBit"), Life: readLife(a, "IPSec_"), AllowWeak: choose(a, "Keyman_Weak", weak),
	}
	read := func(name, word string) suite.Group {
		g, ok := dhGroup(word)
		if !ok || g != 0 && !g.Known() {
			a.fail(name, "use NO_PFS, 14 to 21, or for old peers 1, 2 or 5", "the group %q is not known", word)
		}
		return g
	}
	if word, ok := a.get("IPSec_InitiatorDHGroup"); ok {
		p.PFS = read("IPSec_InitiatorDHGroup", word)
	}
	for _, word := range strings.Fields(a.text("IPSec_ResponderDHGroup")) {
		p.AcceptPFS = append(p.AcceptPFS, read("IPSec_ResponderDHGroup", word))
	}
	if err := a.done(); err != nil {
		return p, err
	}
	return p, noChildren(e)
}

func readDataTunnel(e *element) (ikedb.DataTunnel, error) {
	a := newAttributes(e)
	t := ikedb.DataTunnel{
		Name: a.named("IPSec_TunnelName"), Tunnel: a.need("IKE_TunnelName"), Protection: a.need("IPSec_ProtectionRef"),
		AutoStart: a.flag("IPSec_Flags_AutoStart"), OnDemand: a.flag("IPSec_Flags_OnDemand"), Number: int(a.positive("Keyman_Number", ikedb.MaxNumber)),
	}
	if err := a.done(); err != nil {
		return t, err
	}
	local, remote, err := ends(e, "IPSecLocalIdentity", "IPSecRemoteIdentity")
	if err != nil {
		return t, err
	}
	if t.Local, _, err = readSelector(local, false); err != nil {
		return t, err
	}
	t.Remote.Selector, t.Remote.Group, err = readSelector(remote, true)
	return t, err
}

// readSelector reads which data there is at one end, or the name of a group.
func readSelector(e *element, remote bool) (ikedb.Selector, string, error) {
	a := newAttributes(e)
	s := ikedb.Selector{Protocol: uint8(a.number("Protocol", math.MaxUint8)), Port: uint16(a.number("Port", math.MaxUint16))}
	last := uint16(a.number("EndPort", math.MaxUint16))
	switch _, there := a.values["EndPort"]; {
	case !there, last == s.Port, s.Port == 0 && last == math.MaxUint16:
	default:
		// RFC 2407, 4.6.2: an identity has one port.
		a.fail("EndPort", "give one port, or 0 to 65535 for all", "the ports %d to %d: IKEv1 knows one port or all", s.Port, last)
	}
	if err := a.done(); err != nil {
		return s, "", err
	}
	if len(e.children) != 1 {
		return s, "", e.errorf("", "leave one", "%d endpoints: want one", len(e.children))
	}
	child := e.children[0]
	if child.name == groupRef {
		name, optional, err := readGroupRef(e, child, remote)
		if err == nil && optional.IsValid() {
			err = unknownChild(child, child.children[0], "leave it out")
		}
		return s, name, err
	}
	var err error
	s.Endpoint, err = readEndpoint(e, child)
	return s, "", err
}

// readEndpoint reads a host, a subnet or a range.
func readEndpoint(parent, e *element) (ikedb.Endpoint, error) {
	a := newAttributes(e)
	var v4 bool
	address := func(name string) netip.Addr {
		word := a.need(name)
		addr, err := netip.ParseAddr(word)
		if err != nil || addr.Is4() != v4 || addr.Zone() != "" {
			a.fail(name, "write an address such as 192.0.2.1 or 2001:db8::1", "%q is no address of this family", word)
		}
		return addr
	}
	var (
		endpoint ikedb.Endpoint
		err      error
	)
	v4 = strings.HasPrefix(e.name, "IPV4_")
	switch e.name {
	case "IPV4_Address", "IPV6_Address":
		endpoint, err = ikedb.HostEndpoint(address("Value"))
	case "IPV4_Subnet", "IPV6_Subnet":
		addr := address("Value")
		var bits int
		if bits, err = maskBits(a.need("Netmask"), v4); err != nil {
			a.fail("Netmask", "write a mask such as 255.255.255.0, or the number of its ones", "%v", err)
		}
		endpoint, err = ikedb.SubnetEndpoint(netip.PrefixFrom(addr, bits))
	case "IPV4_Address_Range", "IPV6_Address_Range":
		endpoint, err = ikedb.RangeEndpoint(address("From_IPAddr"), address("To_IPAddr"))
	default:
		return endpoint, unknownChild(parent, e, "use IPV4_Address, IPV4_Subnet, IPV4_Address_Range, those of IPV6, or, at the remote end, "+groupRef)
	}
	if err := a.done(); err != nil {
		return endpoint, err
	}
	if err != nil {
		return endpoint, e.errorf("", "let the first address come before the last", "%v", err)
	}
	return endpoint, noChildren(e)
}

// maskBits reads a network mask: as an address, or as the number of its bits.
func maskBits(word string, v4 bool) (int, error) {
	most := 128
	if v4 {
		most = 32
	}
	if n, err := strconv.ParseUint(word, 10, 8); err == nil {
		if int(n) > most {
			return 0, fmt.Errorf("%d bits, more than %d", n, most)
		}
		return int(n), nil
	}
	mask, err := netip.ParseAddr(word)
	if err != nil || mask.Is4() != v4 {
		return 0, fmt.Errorf("%q is no network mask of this family", word)
	}
	for bits := 0; bits <= most; bits++ {
		if prefix, err := all1(v4).Prefix(bits); err == nil && prefix.Addr() == mask.WithZone("") {
			return bits, nil
		}
	}
	return 0, errors.New("its ones do not stand together: " + word)
}

// all1 is the address of ones.
func all1(v4 bool) netip.Addr {
	var ones [16]byte
	for i := range ones {
		ones[i] = 0xff
	}
	if v4 {
		return netip.AddrFrom4([4]byte(ones[:4]))
	}
	return netip.AddrFrom16(ones)
}
