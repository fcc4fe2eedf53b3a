package ikedb

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A failure makes the error of a definition: what is wrong with a key, and the
// fix.
type failure = func(key, text, fix string) error

// completeLife fills the defaults and checks what both phases say about lifetimes.
func (l *Life) completeLife(overlap int, fail failure) error {
	if l.KeyOverlap == 0 {
		l.KeyOverlap = overlap
	}
	if l.KeyOverlap < 1 || l.KeyOverlap > MaxKeyOverlap {
		return fail("key-overlap", fmt.Sprintf("%d is not between 1 and %d percent", l.KeyOverlap, MaxKeyOverlap), "choose a value in these bounds")
	}
	r := l.Responder
	for _, d := range []struct {
		key  string
		life time.Duration
	}{{"tunnel-lifetime", l.TunnelLifetime}, {"responder.min-lifetime", r.MinLifetime}, {"responder.max-lifetime", r.MaxLifetime}} {
		if d.life < 0 || d.life > MaxTunnelLifetime || d.life%time.Second != 0 {
			return fail(d.key, fmt.Sprintf("%v is not whole seconds up to %v", d.life, MaxTunnelLifetime), "choose a value in these bounds")
		}
	}
	switch {
	case r.MaxLifetime != 0 && r.MaxLifetime < r.MinLifetime:
		return fail("responder.max-lifetime", fmt.Sprintf("the longest, %v, is below the shortest, %v", r.MaxLifetime, r.MinLifetime), "choose a value in these bounds")
	case r.MaxKB != 0 && r.MaxKB < r.MinKB:
		return fail("responder.max-size", fmt.Sprintf("the largest, %d, is below the smallest, %d", r.MaxKB, r.MinKB), "exchange them")
	}
	return nil
}

func (db *DB) addProposals(d Definitions) error {
	if err := count("proposal", len(d.Proposals)); err != nil {
		return err
	}
	for i, p := range d.Proposals {
		fail := func(key, text, fix string) error {
			return &Error{Table: "proposal", Index: i, Name: place(p.Name, i), Key: key, Text: text, Fix: fix}
		}
		if text := checkReferable(p.Name); text != "" {
			return fail("name", text, "give it a name of printable characters")
		}
		if _, twice := db.proposals[p.Name]; twice {
			return fail("name", "another proposal has this name", "give each a name of its own")
		}
		if err := p.complete(fail); err != nil {
			return err
		}
		db.proposals[p.Name] = p
		db.defs.Proposals = append(db.defs.Proposals, p)
	}
	return nil
}

// checkReferable tells why a proposal must not have a name, or "": lists of them
// are separated by blanks.
func checkReferable(name string) string {
	if text := checkName(name); text != "" {
		return text
	}
	if strings.ContainsAny(name, " ") {
		return fmt.Sprintf("%q has a blank: lists of proposals are separated by blanks", name)
	}
	return ""
}

// complete fills the defaults of a proposal and checks it.
func (p *Proposal) complete(fail failure) error {
	if len(p.ESP)+len(p.AH) == 0 {
		return fail("esp", "there is neither a transform of ESP nor one of AH", `give at least one, such as esp = ["aes256-sha256"]`)
	}
	var mode suite.Encapsulation
	for _, side := range []struct {
		key        string
		protocol   isakmp.Protocol
		transforms *[]DataTransform
	}{{"esp", isakmp.ProtocolESP, &p.ESP}, {"ah", isakmp.ProtocolAH, &p.AH}} {
		if len(*side.transforms) > MaxTransforms {
			return fail(side.key, fmt.Sprintf("%d of them, more than %d", len(*side.transforms), MaxTransforms), "leave the last ones out")
		}
		*side.transforms = slices.Clone(*side.transforms)
		seen := make(map[suite.IPsec]bool)
		for i := range *side.transforms {
			t := &(*side.transforms)[i]
			if t.Encapsulation == 0 {
				t.Encapsulation = suite.EncapTunnel
			}
			if t.Lifetime == 0 {
				t.Lifetime = DefaultDataLifetime
			}
			if err := t.Validate(); err != nil {
				return fail(side.key, err.Error(), "choose what is supported")
			}
			if text := checkLifetime(t.Lifetime, MinDataLifetime, MaxDataLifetime); text != "" {
				return fail(side.key, fmt.Sprintf("the lifetime of %v: %s", t.IPsec, text), "choose a value in these bounds")
			}
			switch {
			case t.Protocol != side.protocol:
				return fail(side.key, fmt.Sprintf("%v is a transform of %v", t.IPsec, t.Protocol), "move it to the transforms of that protocol")
			case t.Encapsulation != suite.EncapTunnel && t.Encapsulation != suite.EncapTransport:
				return fail(side.key, fmt.Sprintf("%v is not known", t.Encapsulation), "use tunnel or transport")
			case mode != 0 && t.Encapsulation != mode:
				return fail(side.key, fmt.Sprintf("%v stands beside %v", t.Encapsulation, mode), "make two proposals")
			case seen[t.IPsec]:
				return fail(side.key, fmt.Sprintf("%v stands there twice", t.IPsec), "leave one of the two")
			}
			mode = t.Encapsulation
			seen[t.IPsec] = true
		}
	}
	return nil
}

// Encapsulation returns how the proposal's packets are wrapped: its transforms do
// not differ in it.
func (p Proposal) Encapsulation() suite.Encapsulation {
	if len(p.ESP) > 0 {
		return p.ESP[0].Encapsulation
	}
	return p.AH[0].Encapsulation
}

func (db *DB) addDataProtections(d Definitions) error {
	if err := count("data-protection", len(d.DataProtections)); err != nil {
		return err
	}
	for i, p := range d.DataProtections {
		fail := func(key, text, fix string) error {
			return &Error{Table: "data-protection", Index: i, Name: place(p.Name, i), Key: key, Text: text, Fix: fix}
		}
		if text := checkName(p.Name); text != "" {
			return fail("name", text, "give it a name of printable characters")
		}
		if _, twice := db.dataProtections[p.Name]; twice {
			return fail("name", "another data protection has this name", "give each a name of its own")
		}
		if err := db.completeDataProtection(&p, fail); err != nil {
			return err
		}
		db.dataProtections[p.Name] = p
		db.defs.DataProtections = append(db.defs.DataProtections, p)
	}
	return nil
}

// completeDataProtection fills the defaults of a data protection and checks it.
func (db *DB) completeDataProtection(p *DataProtection, fail failure) error {
	if p.Role == "" {
		p.Role = RoleBoth
	}
	if !p.Role.known() {
		return fail("role", fmt.Sprintf("%q is not known", p.Role), useRole)
	}
	if err := p.completeLife(DefaultDataKeyOverlap, fail); err != nil {
		return err
	}
	p.AcceptPFS = slices.Clone(p.AcceptPFS)
	if len(p.AcceptPFS) == 0 {
		p.AcceptPFS = []suite.Group{p.PFS}
	}
	if text := checkPFS(p.PFS, p.AllowWeak); text != "" {
		return fail("pfs", text, allowWeakData)
	}
	for i, g := range p.AcceptPFS {
		if text := checkPFS(g, p.AllowWeak); text != "" {
			return fail("accept-pfs", text, allowWeakData)
		}
		if slices.Contains(p.AcceptPFS[:i], g) {
			return fail("accept-pfs", fmt.Sprintf("%s stands there twice", pfsWord(g)), "leave one of the two")
		}
	}
	return db.checkProposals(p, fail)
}

const allowWeakData = `choose stronger algorithms, or write weak = "allow" into the data protection if the peer knows nothing better`

// checkPFS tells why a group cannot be used, or "".
func checkPFS(g suite.Group, allowWeak bool) string {
	switch {
	case g == 0:
		return ""
	case !g.Known():
		return fmt.Sprintf("%v is not known", g)
	case g.Weak() != "" && !allowWeak:
		return fmt.Sprintf("%s is weak", g.Weak())
	}
	return ""
}

// checkProposals resolves the proposals of a data protection.
func (db *DB) checkProposals(p *DataProtection, fail failure) error {
	switch {
	case len(p.Proposals) == 0:
		return fail("proposals", "there is none", "name at least one proposal")
	case len(p.Proposals) > MaxProposals:
		return fail("proposals", fmt.Sprintf("%d of them, more than %d", len(p.Proposals), MaxProposals), "leave the last ones out")
	}
	p.Proposals = slices.Clone(p.Proposals)
	for i, name := range p.Proposals {
		proposal, ok := db.proposals[name]
		if !ok {
			return fail("proposals", fmt.Sprintf("there is no proposal %q", name), defineIt)
		}
		if slices.Contains(p.Proposals[:i], name) {
			return fail("proposals", fmt.Sprintf("%q stands there twice", name), "leave one of the two")
		}
		for _, t := range slices.Concat(proposal.ESP, proposal.AH) {
			if weak := t.Weak(); len(weak) > 0 && !p.AllowWeak {
				return fail("proposals", fmt.Sprintf("%v of %q is weak by %s", t.IPsec, name, strings.Join(weak, ", ")), allowWeakData)
			}
		}
	}
	return nil
}

// genericTypes are the types that a Generic may name.
var genericTypes = [...]isakmp.IDType{
	isakmp.IDIPv4Addr, isakmp.IDIPv6Addr, isakmp.IDIPv4Subnet, isakmp.IDIPv6Subnet, isakmp.IDIPv4Range, isakmp.IDIPv6Range,
}

// checkGeneric checks what answers a phase 2 without a data tunnel.
func (db *DB) checkGeneric(p *Protection, fail failure) error {
	g := &p.Generic
	if g.Protection == "" {
		if len(g.Local)+len(g.Remote) > 0 {
			return fail("generic.protection", "it is missing", "name a data protection")
		}
		return nil
	}
	data, ok := db.dataProtections[g.Protection]
	switch {
	case !ok:
		return fail("generic.protection", fmt.Sprintf("there is no data protection %q", g.Protection), defineIt)
	case !data.MayRespond():
		return fail("generic.protection", fmt.Sprintf("%q never answers, and that is all that is asked of it", g.Protection),
			"let its role be responder or both")
	}
	for _, end := range []struct {
		key   string
		types *[]isakmp.IDType
	}{{"generic.local", &g.Local}, {"generic.remote", &g.Remote}} {
		if len(*end.types) == 0 {
			return fail(end.key, "no type of endpoint may be asked for", "name those that the peer may ask for")
		}
		*end.types = slices.Clone(*end.types)
		for i, typ := range *end.types {
			if !slices.Contains(genericTypes[:], typ) {
				return fail(end.key, fmt.Sprintf("%v does not say which data a tunnel carries", typ), "choose a value in these bounds")
			}
			if slices.Contains((*end.types)[:i], typ) {
				return fail(end.key, fmt.Sprintf("%v stands there twice", typ), "leave one of the two")
			}
		}
	}
	return nil
}

func (db *DB) addDataTunnels(d Definitions) error {
	if err := count("data-tunnel", len(d.DataTunnels)); err != nil {
		return err
	}
	last := 0
	taken := make(map[flow]string, len(d.DataTunnels))
	for i, t := range d.DataTunnels {
		fail := func(key, text, fix string) error {
			return &Error{Table: "data-tunnel", Index: i, Name: place(t.Name, i), Key: key, Text: text, Fix: fix}
		}
		if text := checkTunnelName(t.Name); text != "" {
			return fail("name", text, "tunnels are called by their numbers, too")
		}
		if _, twice := db.dataNames[t.Name]; twice {
			return fail("name", "another data tunnel has this name", "give each a name of its own")
		}
		var text string
		if t.Number, text = nextNumber(last, t.Number); text != "" {
			return fail("number", text, inOrder)
		}
		last = t.Number
		if err := db.completeDataTunnel(&t, fail); err != nil {
			return err
		}
		f := flowOf(t)
		if other, twice := taken[f]; twice {
			return fail("remote", fmt.Sprintf("data tunnel %q carries the same data in the same tunnel", other), "let one of them go")
		}
		taken[f] = t.Name
		db.dataNames[t.Name] = i
		db.carried[t.Tunnel] = append(db.carried[t.Tunnel], i)
		db.defs.DataTunnels = append(db.defs.DataTunnels, t)
	}
	return nil
}

// A flow is the data of a data tunnel: two of one tunnel must not share it.
type flow struct {
	tunnel, group                      string
	localFirst, localLast, first, last netip.Addr
	protocol                           uint8
	localPort, port                    uint16
}

func flowOf(t DataTunnel) flow {
	return flow{
		t.Tunnel, t.Remote.Group, t.Local.Endpoint.first, t.Local.Endpoint.last, t.Remote.Endpoint.first, t.Remote.Endpoint.last,
		t.Local.Protocol, t.Local.Port, t.Remote.Port,
	}
}

// completeDataTunnel fills the defaults of a data tunnel and checks it.
func (db *DB) completeDataTunnel(t *DataTunnel, fail failure) error {
	carrier, ok := db.Tunnel(t.Tunnel)
	switch {
	case t.Tunnel == "":
		return fail("tunnel", "it is missing", "name the tunnel that carries it")
	case !ok:
		return fail("tunnel", fmt.Sprintf("there is no tunnel %q", t.Tunnel), defineIt)
	}
	protection, ok := db.dataProtections[t.Protection]
	switch {
	case t.Protection == "":
		return fail("protection", "it is missing", "name a data protection")
	case !ok:
		return fail("protection", fmt.Sprintf("there is no data protection %q", t.Protection), defineIt)
	}
	if err := db.completeSelectors(t, carrier, fail); err != nil {
		return err
	}
	for _, name := range protection.Proposals {
		if db.proposals[name].Encapsulation() != suite.EncapTransport {
			continue
		}
		// RFC 4301, 4.1: transport mode protects what the hosts themselves
		// say to each other.
		if !t.Local.Endpoint.IsHost() || t.Remote.Group == "" && !t.Remote.Endpoint.IsHost() {
			return fail("protection", fmt.Sprintf("proposal %q is in transport mode, which is between two hosts", name), "use tunnel mode")
		}
	}
	if t.AutoStart || t.OnDemand || protection.Role == RoleInitiator {
		if err := db.CanInitiateData(*t); err != nil {
			key := "autostart"
			switch {
			case t.AutoStart:
			case t.OnDemand:
				key = "on-demand"
			default:
				return fail("protection", fmt.Sprintf("%q never answers, and %v", t.Protection, err), "give it another role, or the tunnel another protection")
			}
			return fail(key, err.Error(), "leave it out")
		}
	}
	return nil
}

// completeSelectors fills and checks which data is carried.
func (db *DB) completeSelectors(t *DataTunnel, carrier Tunnel, fail failure) error {
	group, known := db.groups[t.Remote.Group]
	switch {
	case t.Remote.Group != "" && !t.Remote.Endpoint.IsZero():
		return fail("remote.group", "there is an endpoint already", "give either endpoint or group")
	case t.Remote.Group != "" && !known:
		return fail("remote.group", fmt.Sprintf("there is no group %q", t.Remote.Group), defineIt)
	}
	for _, end := range []struct {
		key      string
		endpoint *Endpoint
		addr     netip.Addr
		skip     bool
	}{
		{"local", &t.Local.Endpoint, carrier.Local.Address, false},
		{"remote", &t.Remote.Endpoint, carrier.Remote.Address, t.Remote.Group != ""},
	} {
		if end.skip || !end.endpoint.IsZero() {
			continue
		}
		if !end.addr.IsValid() {
			return fail(end.key+".endpoint", fmt.Sprintf("it is missing, and tunnel %q has no address at this end to take its place", carrier.Name),
				"say whose data it is")
		}
		var err error
		if *end.endpoint, err = HostEndpoint(end.addr); err != nil {
			return fail(end.key+".endpoint", err.Error(), "choose a value in these bounds")
		}
	}
	local := t.Local.Endpoint.first
	sameFamily := func(addr netip.Addr) bool { return addr.IsValid() && addr.Is4() == local.Is4() }
	switch {
	case t.Remote.Group != "":
		if !slices.ContainsFunc(group.IDs, func(id Identity) bool { return sameFamily(id.Addr()) }) {
			return fail("remote.group", fmt.Sprintf("no member of %q is an address of the local endpoint's family", t.Remote.Group),
				"data belongs to addresses: add them to the group, or give an endpoint")
		}
	case !sameFamily(t.Remote.Endpoint.first):
		return fail("remote.endpoint", fmt.Sprintf("%v and the local endpoint %v are of different families", t.Remote.Endpoint, t.Local.Endpoint), "let both ends be IPv4, or both IPv6")
	}
	if t.Local.Protocol != t.Remote.Protocol {
		return fail("remote.protocol", fmt.Sprintf("%s here, %s at the local end", ProtocolWord(t.Remote.Protocol), ProtocolWord(t.Local.Protocol)),
			"let both ends have the same protocol")
	}
	if t.Local.Protocol == 0 && (t.Local.Port != 0 || t.Remote.Port != 0) {
		// RFC 2407, 4.6.2: the port is one of the protocol.
		return fail("local.protocol", "there is a port, but no protocol that it is of", "say which, such as tcp")
	}
	return nil
}
