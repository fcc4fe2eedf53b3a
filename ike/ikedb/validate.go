package ikedb

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"keyman/crl"
	"keyman/ike/suite"
)

// checkName tells why a definition must not have a name, or "".
func checkName(name string) string { return checkWord(name, MaxName) }

// checkTunnelName tells why a tunnel must not have a name, or "".
func checkTunnelName(name string) string {
	if text := checkName(name); text != "" {
		return text
	}
	if strings.Trim(name, "0123456789,-") == "" {
		return "a name must have a letter"
	}
	return ""
}

// checkWord tells why a name must not be the one of something, or "". It has at
// most so many bytes.
func checkWord(name string, most int) string {
	switch {
	case name == "":
		return "it is missing"
	case len(name) > most:
		return fmt.Sprintf("%d bytes, more than %d", len(name), most)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Sprintf("%q has characters that cannot be printed", name)
	case strings.TrimSpace(name) != name:
		return fmt.Sprintf("%q has blanks at an end", name)
	}
	return ""
}

// place returns how an error calls the definition with this index.
func place(name string, index int) string {
	if checkName(name) == "" {
		return name
	}
	return "#" + strconv.Itoa(index+1)
}

// count refuses more than MaxTunnels definitions of a kind.
func count(table string, n int) error {
	if n <= MaxTunnels {
		return nil
	}
	return &Error{Table: table, Index: MaxTunnels, Name: "#" + strconv.Itoa(MaxTunnels+1), Key: "name",
		Text: fmt.Sprintf("%d of these, more than %d", n, MaxTunnels)}
}

func (db *DB) addProtections(d Definitions) error {
	if err := count("protection", len(d.Protections)); err != nil {
		return err
	}
	for i, p := range d.Protections {
		fail := func(key, text, fix string) error {
			return &Error{Table: "protection", Index: i, Name: place(p.Name, i), Key: key, Text: text, Fix: fix}
		}
		if text := checkName(p.Name); text != "" {
			return fail("name", text, "give it a name of printable characters")
		}
		if _, twice := db.protections[p.Name]; twice {
			return fail("name", "another protection has this name", "give each a name of its own")
		}
		if err := p.complete(fail); err != nil {
			return err
		}
		if err := db.checkGeneric(&p, fail); err != nil {
			return err
		}
		db.defs.Protections = append(db.defs.Protections, p)
		if p.IgnoreSizes {
			p.Transforms = tables(p.Transforms, func(t suite.Transform) suite.Transform {
				t.LifeKB = 0
				return t
			})
		}
		db.protections[p.Name] = p
	}
	return nil
}

// complete fills the defaults of a protection and checks it.
func (p *Protection) complete(fail failure) error {
	if p.Role == "" {
		p.Role = RoleBoth
	}
	if p.CRLTimeout == 0 {
		p.CRLTimeout = crl.DefaultTimeout
	}
	if p.Lifetime == 0 {
		p.Lifetime = DefaultLifetime
	}
	if p.Mode == "" {
		p.Mode = ModeMain
	}
	switch {
	case !p.Role.known():
		return fail("role", fmt.Sprintf("%q is not known", p.Role), useRole)
	case p.Auth == "":
		return fail("auth", "it is missing", useAuth)
	case p.Auth.Suite() == 0:
		return fail("auth", fmt.Sprintf("%q is not known", p.Auth), useAuth)
	case p.Revocation < crl.Strict || p.Revocation > crl.Off:
		return fail("revocation", fmt.Sprintf("%v is not known", p.Revocation), "use strict, ifuri or relaxed")
	case p.Auth.CRL() && p.Revocation == crl.Off:
		return fail("revocation", fmt.Sprintf("off contradicts auth = %s", p.Auth),
			fmt.Sprintf("leave it out, or use auth = %q to check no list", strings.TrimSuffix(string(p.Auth), crlSuffix)))
	case p.Signatures() && !p.Auth.CRL() && p.Revocation != crl.Off:
		return fail("revocation", fmt.Sprintf("auth = %s checks no revocation list, but %v is asked for", p.Auth, p.Revocation),
			fmt.Sprintf("use auth = %q", p.Auth+crlSuffix))
	case p.Auth == AuthPresharedKey && p.Revocation != crl.Strict:
		return fail("revocation", "with a preshared key there is no certificate to check", "leave it out")
	case p.CRLTimeout < 0 || p.CRLTimeout > MaxCRLTimeout:
		return fail("crl-timeout", fmt.Sprintf("%v is not between 0 and %v", p.CRLTimeout, MaxCRLTimeout), "choose a value in these bounds")
	case p.CRLGrace < 0 || p.CRLGrace > MaxCRLGrace:
		return fail("crl-grace", fmt.Sprintf("%v is not between 0 and %v", p.CRLGrace, MaxCRLGrace), "choose a value in these bounds")
	case p.CRLGrace != 0 && !p.Auth.CRL():
		return fail("crl-grace", fmt.Sprintf("auth = %s checks no revocation list", p.Auth), "leave it out")
	}
	if text := checkLifetime(p.Lifetime, MinLifetime, MaxLifetime); text != "" {
		return fail("lifetime", text, "choose a value in these bounds")
	}
	if err := p.completeLife(DefaultKeyOverlap, fail); err != nil {
		return err
	}
	if err := p.completeTransforms(fail); err != nil {
		return err
	}
	p.Lifetime = p.Transforms[0].Lifetime
	p.IgnoreSizes = p.IgnoreSizes && slices.ContainsFunc(p.Transforms, func(t suite.Transform) bool { return t.LifeKB != 0 })
	return p.checkMode(fail)
}

// checkLifetime tells why a key cannot last so long, or "".
func checkLifetime(d, least, most time.Duration) string {
	if d < least || d > most || d%time.Second != 0 {
		return fmt.Sprintf("%v is not whole seconds between %v and %v", d, least, most)
	}
	return ""
}

// known reports whether r is one of the constants.
func (r Role) known() bool { return r == RoleBoth || r == RoleInitiator || r == RoleResponder }

// defineIt is the fix of a reference to nothing.
const defineIt = "define it, or name one that there is"

const useRole = "use both, initiator or responder"

// completeTransforms makes the transforms ready to be offered.
func (p *Protection) completeTransforms(fail failure) error {
	if len(p.Transforms) == 0 {
		return fail("transforms", "there is none", `give at least one, such as "aes256-sha256-modp2048"`)
	}
	if len(p.Transforms) > MaxTransforms {
		return fail("transforms", fmt.Sprintf("%d of them, more than %d", len(p.Transforms), MaxTransforms), "leave the last ones out")
	}
	seen := make(map[string]bool, len(p.Transforms))
	p.Transforms = slices.Clone(p.Transforms)
	for i := range p.Transforms {
		t := &p.Transforms[i]
		t.Auth = p.Auth.Suite()
		if t.Lifetime == 0 {
			t.Lifetime = p.Lifetime
		}
		if text := checkLifetime(t.Lifetime, MinLifetime, MaxLifetime); text != "" {
			return fail("transforms", fmt.Sprintf("the lifetime of %v: %s", t, text), "choose a value in these bounds")
		}
		if err := t.Validate(); err != nil {
			return fail("transforms", err.Error(), "choose what is supported")
		}
		word := t.String()
		if seen[word] {
			return fail("transforms", word+" stands there twice", "leave one of the two")
		}
		seen[word] = true
		if weak := t.Weak(); len(weak) > 0 && !p.AllowWeak {
			return fail("transforms", fmt.Sprintf("%s is weak by %s", word, strings.Join(weak, ", ")),
				`choose stronger algorithms, or write weak = "allow" into the protection if the peer knows nothing better`)
		}
	}
	return nil
}

func (db *DB) addGroups(d Definitions) error {
	if err := count("group", len(d.Groups)); err != nil {
		return err
	}
	for i, g := range d.Groups {
		fail := func(key, text, fix string) error {
			return &Error{Table: "group", Index: i, Name: place(g.Name, i), Key: key, Text: text, Fix: fix}
		}
		if text := checkName(g.Name); text != "" {
			return fail("name", text, "give it a name of printable characters")
		}
		if _, twice := db.groups[g.Name]; twice {
			return fail("name", "another group has this name", "give each a name of its own")
		}
		if len(g.IDs) == 0 {
			return fail("ids", "there is none", "a group needs at least one identity")
		}
		size := len(g.Name)
		for j, id := range g.IDs {
			if id.IsZero() {
				return fail("ids", fmt.Sprintf("identity %d is empty", j+1), "give it, or leave it out")
			}
			if slices.ContainsFunc(g.IDs[:j], id.Match) {
				return fail("ids", fmt.Sprintf("%v stands there twice", id), "leave one of the two")
			}
			// Checked here, so that the search above stays short.
			if size += len(id.String()) + 1; size > MaxGroup {
				return fail("ids", fmt.Sprintf("the group is larger than %d bytes", MaxGroup), "split it into two groups, each with its own tunnel")
			}
		}
		g.IDs = slices.Clone(g.IDs)
		db.groups[g.Name] = g
		db.defs.Groups = append(db.defs.Groups, g)
	}
	return nil
}

func (db *DB) addSecrets(d Definitions) error {
	if err := count("preshared-key", len(d.PresharedKeys)); err != nil {
		return err
	}
	for i, k := range d.PresharedKeys {
		fail := func(key, text, fix string) error {
			return &Error{Table: "preshared-key", Index: i, Name: "#" + strconv.Itoa(i+1), Key: key, Text: text, Fix: fix}
		}
		switch {
		case len(k.IDs) == 0:
			return fail("ids", "there is none", "say by whose identity or address the key is found")
		case len(k.IDs) > MaxTunnels:
			return fail("ids", fmt.Sprintf("%d of them, more than %d", len(k.IDs), MaxTunnels), "leave the last ones out")
		case k.Secret.Len() == 0:
			return fail("secret", "it is empty", "if it was left out when the definitions were written, write them again with their secrets")
		case k.Secret.Len() > MaxSecret:
			return fail("secret", fmt.Sprintf("%d bytes, more than %d", k.Secret.Len(), MaxSecret), "take a shorter one")
		}
		for j, id := range k.IDs {
			if id.IsZero() {
				return fail("ids", fmt.Sprintf("identity %d is empty", j+1), "give it, or leave it out")
			}
			if id.IsPattern() {
				return fail("ids", fmt.Sprintf("%v is a pattern, and a preshared key is one peer's", id), "name the peers one by one, each with a key of its own")
			}
			if _, twice := db.secrets[id.Key()]; twice {
				return fail("ids", fmt.Sprintf("%v has a preshared key already", id), "leave one of the two")
			}
			db.secrets[id.Key()] = k.Secret
		}
		k.IDs = slices.Clone(k.IDs)
		db.defs.PresharedKeys = append(db.defs.PresharedKeys, k)
	}
	return nil
}

func (db *DB) addTunnels(d Definitions) error {
	if err := count("tunnel", len(d.Tunnels)); err != nil {
		return err
	}
	last := 0
	for i, t := range d.Tunnels {
		fail := func(key, text, fix string) error {
			return &Error{Table: "tunnel", Index: i, Name: place(t.Name, i), Key: key, Text: text, Fix: fix}
		}
		if text := checkTunnelName(t.Name); text != "" {
			return fail("name", text, "tunnels are called by their numbers, too")
		}
		if _, twice := db.names[t.Name]; twice {
			return fail("name", "another tunnel has this name", "give each a name of its own")
		}
		var text string
		if t.Number, text = nextNumber(last, t.Number); text != "" {
			return fail("number", text, inOrder)
		}
		last = t.Number
		if err := db.completeTunnel(&t, fail); err != nil {
			return err
		}
		db.names[t.Name] = i
		db.tunnels = append(db.tunnels, t)
		db.remotes[t.Remote.Address] = append(db.remotes[t.Remote.Address], i)
	}
	db.defs.Tunnels = db.tunnels
	return nil
}

const inOrder = "let tunnels stand in the order of their numbers, or leave the numbers out"

// nextNumber completes the number of a tunnel behind another with the number
// last, and tells why it cannot be, or "".
func nextNumber(last, number int) (int, string) {
	if number == 0 {
		number = last + 1
	}
	switch {
	case number <= last:
		return 0, fmt.Sprintf("%d stands behind %d", number, last)
	case number > MaxNumber:
		return 0, fmt.Sprintf("%d is more than %d", number, MaxNumber)
	}
	return number, ""
}

// completeTunnel fills the defaults of a tunnel and checks it.
func (db *DB) completeTunnel(t *Tunnel, fail failure) error {
	protection, ok := db.protections[t.Protection]
	switch {
	case t.Protection == "":
		return fail("protection", "it is missing", "name a protection")
	case !ok:
		return fail("protection", fmt.Sprintf("there is no protection %q", t.Protection), defineIt)
	}
	for _, end := range []struct {
		key  string
		addr netip.Addr
	}{{"local.address", t.Local.Address}, {"remote.address", t.Remote.Address}} {
		if text := checkAddress(end.addr); text != "" {
			return fail(end.key, text, "choose a value in these bounds")
		}
	}
	if err := db.completeEnds(t, fail); err != nil {
		return err
	}
	if t.Local.Address.IsValid() && t.Remote.Address.IsValid() && t.Local.Address.Is4() != t.Remote.Address.Is4() {
		return fail("remote.address", fmt.Sprintf("%v and the local address %v are of different families", t.Remote.Address, t.Local.Address), "let both ends be IPv4, or both IPv6")
	}
	if err := db.checkPatterns(t, protection, fail); err != nil {
		return err
	}
	if err := db.checkCredential(t, protection, fail); err != nil {
		return err
	}
	if t.AutoStart {
		if err := db.CanInitiate(*t); err != nil {
			return fail("autostart", err.Error(), "leave it out")
		}
	}
	if protection.Role == RoleInitiator {
		if err := db.CanInitiate(*t); err != nil {
			return fail("protection", fmt.Sprintf("%q never answers, and %v", t.Protection, err), "give it another role, or the tunnel another protection")
		}
	}
	return nil
}

// checkCredential demands what this end authenticates with.
func (db *DB) checkCredential(t *Tunnel, p Protection, fail failure) error {
	label := t.Local.Certificate
	switch {
	case !p.Signatures() && label != "":
		return fail("local.certificate", fmt.Sprintf("protection %q uses a preshared key", p.Name), "leave it out")
	case !p.Signatures():
		return db.checkPresharedKey(t, p.Mode, fail)
	case label == "":
		return fail("local.certificate", fmt.Sprintf("it is missing, and protection %q signs", p.Name),
			"give the label of a personal certificate in the key database, or the URI of a token's key")
	}
	if text := checkWord(label, MaxCertificate); text != "" {
		return fail("local.certificate", text, "give the label as keyman cert list shows it")
	}
	return nil
}

// checkAddress tells why an address cannot be an end of a tunnel, or "".
func checkAddress(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return ""
	case addr.Zone() != "":
		return fmt.Sprintf("%v has a zone", addr)
	case addr.Is4In6():
		return fmt.Sprintf("%v is an IPv4 address in disguise: write %v", addr, addr.Unmap())
	case addr.IsUnspecified(), addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Sprintf("%v is no host's address", addr)
	}
	return ""
}

// completeEnds fills identities and ports.
func (db *DB) completeEnds(t *Tunnel, fail failure) error {
	if t.Local.ID.IsZero() {
		if !t.Local.Address.IsValid() {
			return fail("local.id", "it is missing, and there is no local.address to take its place", "say who this end is")
		}
		t.Local.ID, _ = AddrIdentity(t.Local.Address)
	}
	remote := &t.Remote
	_, known := db.groups[remote.Group]
	switch {
	case remote.Group != "" && !remote.ID.IsZero():
		return fail("remote.group", "the peer has an id already", "give either id or group")
	case remote.Group != "" && !known:
		return fail("remote.group", fmt.Sprintf("there is no group %q", remote.Group), defineIt)
	case remote.Group == "" && remote.ID.IsZero():
		if !remote.Address.IsValid() {
			return fail("remote.id", "it is missing, and there is no remote.address to take its place", "say who the peer is")
		}
		remote.ID, _ = AddrIdentity(remote.Address)
	}
	// Otherwise this end could be answered with its own words.
	const fix = "each end needs an identity of its own"
	if remote.ID.Match(t.Local.ID) {
		return fail("remote.id", fmt.Sprintf("%v is local.id, too", remote.ID), fix)
	}
	if db.admits(*t, t.Local.ID) {
		return fail("remote.group", fmt.Sprintf("member %v is local.id, too", t.Local.ID), fix)
	}
	if remote.Port == 0 {
		remote.Port = DefaultPort
	}
	if remote.NATTPort == 0 {
		remote.NATTPort = DefaultNATTPort
	}
	if remote.Port == remote.NATTPort {
		// The non-ESP marker tells the two apart (RFC 3948, 2.2).
		return fail("remote.natt-port", fmt.Sprintf("%d is remote.port, too", remote.NATTPort), "give it a port of its own")
	}
	return nil
}

// checkKeyByAddress demands a key that can be chosen from the peer's address
// alone (RFC 2409, 5.4).
func (db *DB) checkKeyByAddress(t *Tunnel, fail failure) error {
	const byAddress = "but main mode chooses a preshared key by the peer's address (RFC 2409, 5.4)"
	switch {
	case t.Remote.Group != "":
		for _, id := range db.groups[t.Remote.Group].IDs {
			if !id.Addr().IsValid() {
				return fail("remote.group", fmt.Sprintf("member %v is no address, %s", id, byAddress),
					"give the member a tunnel of its own with remote.address, or use certificates")
			}
			if _, ok := db.secrets[id.Key()]; !ok {
				return fail("remote.group", fmt.Sprintf("there is no preshared key for member %v", id), addKey)
			}
		}
		if t.Remote.Address.IsValid() {
			if _, ok := db.PresharedKey(*t, t.Remote.Address); !ok {
				return fail("remote.group", fmt.Sprintf("%v is no member, %s", t.Remote.Address, byAddress),
					"leave out remote.address, or give remote.id in place of the group")
			}
		}
	case t.Remote.Address.IsValid():
		if _, ok := db.PresharedKey(*t, t.Remote.Address); !ok {
			return fail("remote", fmt.Sprintf("there is no preshared key for %s", strings.Join(keyNames(t.Remote), " or ")), addKey)
		}
	default:
		return fail("remote.address", "it is missing, "+byAddress,
			"give it, or use certificates")
	}
	return nil
}

// keyNames returns the identities by which a peer's preshared key is found.
func keyNames(r RemoteEnd) []string {
	var names []string
	addressed, _ := AddrIdentity(r.Address)
	for _, id := range []Identity{r.ID, addressed} {
		if name := id.String(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
