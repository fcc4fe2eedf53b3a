package ikedb

import (
	"fmt"
	"io/fs"

	"keyman/crl"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// The tables of a file: definitions in words. They are read as strings, so that
// one place, with the definition's name at hand, says what is wrong with them.
// What is not said is the default, both when they are read and when they are
// written.
type (
	file struct {
		Tunnel         []tunnelTable         `toml:"tunnel,omitempty"`
		Protection     []protectionTable     `toml:"protection,omitempty"`
		Group          []groupTable          `toml:"group,omitempty"`
		PresharedKey   []presharedKeyTable   `toml:"preshared-key,omitempty"`
		DataTunnel     []dataTunnelTable     `toml:"data-tunnel,omitempty"`
		DataProtection []dataProtectionTable `toml:"data-protection,omitempty"`
		Proposal       []proposalTable       `toml:"proposal,omitempty"`
	}
	tunnelTable struct {
		Name           string       `toml:"name" json:"name"`
		Number         int          `toml:"number,omitempty" json:"number,omitempty"`
		Protection     string       `toml:"protection" json:"protection"`
		AutoStart      bool         `toml:"autostart,omitempty" json:"autostart,omitempty"`
		OptionalIPRule bool         `toml:"optional-ip-rule,omitempty" json:"optional-ip-rule,omitempty"`
		Local          *localTable  `toml:"local,omitempty" json:"local,omitempty"`
		Remote         *remoteTable `toml:"remote,omitempty" json:"remote,omitempty"`
	}
	localTable struct {
		Address     *string `toml:"address,omitempty" json:"address,omitempty"`
		ID          *string `toml:"id,omitempty" json:"id,omitempty"`
		Certificate string  `toml:"certificate,omitempty" json:"certificate,omitempty"`
	}
	remoteTable struct {
		Address  *string `toml:"address,omitempty" json:"address,omitempty"`
		ID       *string `toml:"id,omitempty" json:"id,omitempty"`
		Group    string  `toml:"group,omitempty" json:"group,omitempty"`
		Port     *uint16 `toml:"port,omitempty" json:"port,omitempty"`
		NATTPort *uint16 `toml:"natt-port,omitempty" json:"natt-port,omitempty"`
	}
	protectionTable struct {
		Name           string          `toml:"name" json:"name"`
		Role           Role            `toml:"role,omitempty" json:"role,omitempty"`
		Mode           Mode            `toml:"mode,omitempty" json:"mode,omitempty"`
		Auth           string          `toml:"auth" json:"auth"`
		Transforms     []string        `toml:"transforms" json:"transforms"`
		Weak           *string         `toml:"weak,omitempty" json:"weak,omitempty"`
		Revocation     *string         `toml:"revocation,omitempty" json:"revocation,omitempty"`
		CRLTimeout     *string         `toml:"crl-timeout,omitempty" json:"crl-timeout,omitempty"`
		CRLGrace       *string         `toml:"crl-grace,omitempty" json:"crl-grace,omitempty"`
		Lifetime       *string         `toml:"lifetime,omitempty" json:"lifetime,omitempty"`
		KeyOverlap     *int            `toml:"key-overlap,omitempty" json:"key-overlap,omitempty"`
		TunnelLifetime *string         `toml:"tunnel-lifetime,omitempty" json:"tunnel-lifetime,omitempty"`
		TunnelSize     *string         `toml:"tunnel-size,omitempty" json:"tunnel-size,omitempty"`
		IgnoreSizes    bool            `toml:"ignore-sizes,omitempty" json:"ignore-sizes,omitempty"`
		Responder      *responderTable `toml:"responder,omitempty" json:"responder,omitempty"`
		Generic        *genericTable   `toml:"generic,omitempty" json:"generic,omitempty"`
	}
	responderTable struct {
		MinLifetime *string `toml:"min-lifetime,omitempty" json:"min-lifetime,omitempty"`
		MaxLifetime *string `toml:"max-lifetime,omitempty" json:"max-lifetime,omitempty"`
		MinSize     *string `toml:"min-size,omitempty" json:"min-size,omitempty"`
		MaxSize     *string `toml:"max-size,omitempty" json:"max-size,omitempty"`
	}
	genericTable struct {
		Protection string   `toml:"protection" json:"protection"`
		Local      []string `toml:"local" json:"local"`
		Remote     []string `toml:"remote" json:"remote"`
	}
	groupTable struct {
		Name string   `toml:"name" json:"name"`
		IDs  []string `toml:"ids" json:"ids"`
	}
	presharedKeyTable struct {
		IDs          []string `toml:"ids"`
		Secret       *string  `toml:"secret,omitempty"`
		SecretHex    *string  `toml:"secret-hex,omitempty"`
		SecretFile   *string  `toml:"secret-file,omitempty"`
		SecretEnv    *string  `toml:"secret-env,omitempty"`
		SecretHidden bool     `toml:"secret-hidden,omitempty"`
	}
	dataTunnelTable struct {
		Name       string           `toml:"name" json:"name"`
		Number     int              `toml:"number,omitempty" json:"number,omitempty"`
		Tunnel     string           `toml:"tunnel" json:"tunnel"`
		Protection string           `toml:"protection" json:"protection"`
		Protocol   *string          `toml:"protocol,omitempty" json:"protocol,omitempty"`
		AutoStart  bool             `toml:"autostart,omitempty" json:"autostart,omitempty"`
		OnDemand   bool             `toml:"on-demand,omitempty" json:"on-demand,omitempty"`
		Local      *dataLocalTable  `toml:"local,omitempty" json:"local,omitempty"`
		Remote     *dataRemoteTable `toml:"remote,omitempty" json:"remote,omitempty"`
	}
	dataLocalTable struct {
		Endpoint *string `toml:"endpoint,omitempty" json:"endpoint,omitempty"`
		Port     uint16  `toml:"port,omitempty" json:"port,omitempty"`
	}
	dataRemoteTable struct {
		Endpoint *string `toml:"endpoint,omitempty" json:"endpoint,omitempty"`
		Group    string  `toml:"group,omitempty" json:"group,omitempty"`
		Port     uint16  `toml:"port,omitempty" json:"port,omitempty"`
	}
	dataProtectionTable struct {
		Name           string          `toml:"name" json:"name"`
		Role           Role            `toml:"role,omitempty" json:"role,omitempty"`
		Proposals      []string        `toml:"proposals" json:"proposals"`
		PFS            *string         `toml:"pfs,omitempty" json:"pfs,omitempty"`
		AcceptPFS      []string        `toml:"accept-pfs,omitempty" json:"accept-pfs,omitempty"`
		Weak           *string         `toml:"weak,omitempty" json:"weak,omitempty"`
		CommitBit      bool            `toml:"commit-bit,omitempty" json:"commit-bit,omitempty"`
		KeyOverlap     *int            `toml:"key-overlap,omitempty" json:"key-overlap,omitempty"`
		TunnelLifetime *string         `toml:"tunnel-lifetime,omitempty" json:"tunnel-lifetime,omitempty"`
		TunnelSize     *string         `toml:"tunnel-size,omitempty" json:"tunnel-size,omitempty"`
		IgnoreSizes    bool            `toml:"ignore-sizes,omitempty" json:"ignore-sizes,omitempty"`
		Responder      *responderTable `toml:"responder,omitempty" json:"responder,omitempty"`
	}
	proposalTable struct {
		Name string   `toml:"name" json:"name"`
		ESP  []string `toml:"esp,omitempty" json:"esp,omitempty"`
		AH   []string `toml:"ah,omitempty" json:"ah,omitempty"`
	}
)

// convert makes definitions of one kind of its tables. read returns the key that
// an error belongs to.
func convert[T, D any](into *[]D, table string, tables []T, name func(T) string, read func(T) (D, string, error)) error {
	for i, t := range tables {
		d, key, err := read(t)
		if err != nil {
			return &Error{Table: table, Index: i, Name: place(name(t), i), Key: key, Text: err.Error()}
		}
		*into = append(*into, d)
	}
	return nil
}

// definitions converts the words of the file.
func (f *file) definitions(mode fs.FileMode, source secretSource) (Definitions, error) {
	var d Definitions
	for _, step := range []func() error{
		func() error {
			return convert(&d.Tunnels, "tunnel", f.Tunnel, func(t tunnelTable) string { return t.Name }, tunnelTable.tunnel)
		},
		func() error {
			return convert(&d.Protections, "protection", f.Protection, func(t protectionTable) string { return t.Name }, protectionTable.protection)
		},
		func() error {
			return convert(&d.Groups, "group", f.Group, func(t groupTable) string { return t.Name }, groupTable.group)
		},
		func() error {
			return convert(&d.DataTunnels, "data-tunnel", f.DataTunnel, func(t dataTunnelTable) string { return t.Name }, dataTunnelTable.tunnel)
		},
		func() error {
			return convert(&d.DataProtections, "data-protection", f.DataProtection, func(t dataProtectionTable) string { return t.Name },
				dataProtectionTable.protection)
		},
		func() error {
			return convert(&d.Proposals, "proposal", f.Proposal, func(t proposalTable) string { return t.Name }, proposalTable.proposal)
		},
	} {
		if err := step(); err != nil {
			return d, err
		}
	}
	for i, table := range f.PresharedKey {
		name := place("", i)
		ids, err := parseIDs(table.IDs)
		if err != nil {
			return d, &Error{Table: "preshared-key", Index: i, Name: name, Key: "ids", Text: err.Error()}
		}
		secret, fault := table.secret(mode, source)
		if fault != nil {
			fault.Table, fault.Index, fault.Name = "preshared-key", i, name
			return d, fault
		}
		d.PresharedKeys = append(d.PresharedKeys, PresharedKey{IDs: ids, Secret: secret})
	}
	return d, nil
}

// tunnel converts one table; key says where an error belongs.
func (table tunnelTable) tunnel() (t Tunnel, key string, err error) {
	t = Tunnel{
		Name: table.Name, Number: table.Number, Protection: table.Protection,
		AutoStart: table.AutoStart, OptionalIPRule: table.OptionalIPRule,
	}
	local, remote := orZero(table.Local), orZero(table.Remote)
	t.Local.Certificate, t.Remote.Group = local.Certificate, remote.Group
	if t.Local.Address, err = parseAddress(local.Address); err != nil {
		return t, "local.address", err
	}
	if t.Remote.Address, err = parseAddress(remote.Address); err != nil {
		return t, "remote.address", err
	}
	if t.Local.ID, err = parseID(local.ID); err != nil {
		return t, "local.id", err
	}
	if t.Remote.ID, err = parseID(remote.ID); err != nil {
		return t, "remote.id", err
	}
	if remote.Address == nil {
		t.Remote.Address = t.Remote.ID.Addr()
	}
	if t.Remote.Port, err = parsePort(remote.Port); err != nil {
		return t, "remote.port", err
	}
	if t.Remote.NATTPort, err = parsePort(remote.NATTPort); err != nil {
		return t, "remote.natt-port", err
	}
	return t, "", nil
}

// protection converts one table; key says where an error belongs.
func (table protectionTable) protection() (p Protection, key string, err error) {
	p = Protection{Name: table.Name, Role: table.Role, Mode: table.Mode, Auth: AuthMethod(table.Auth)}
	for _, word := range table.Transforms {
		t, err := parsePhase1(word)
		if err != nil {
			return p, "transforms", err
		}
		p.Transforms = append(p.Transforms, t)
	}
	switch {
	case table.Revocation != nil:
		if err := p.Revocation.UnmarshalText([]byte(*table.Revocation)); err != nil {
			return p, "revocation", err
		}
	case p.Signatures() && !p.Auth.CRL():
		p.Revocation = crl.Off
	}
	if p.CRLTimeout, err = parseDuration(table.CRLTimeout); err != nil {
		return p, "crl-timeout", err
	}
	if p.CRLGrace, err = parseDuration(table.CRLGrace); err != nil {
		return p, "crl-grace", err
	}
	if p.Lifetime, err = parseDuration(table.Lifetime); err != nil {
		return p, "lifetime", err
	}
	if p.Life, key, err = readLife(table.KeyOverlap, table.TunnelLifetime, table.TunnelSize, table.Responder); err != nil {
		return p, key, err
	}
	if table.Generic != nil {
		p.Generic.Protection = table.Generic.Protection
		if p.Generic.Local, err = parseEndpointTypes(table.Generic.Local); err != nil {
			return p, "generic.local", err
		}
		if p.Generic.Remote, err = parseEndpointTypes(table.Generic.Remote); err != nil {
			return p, "generic.remote", err
		}
	}
	p.IgnoreSizes = table.IgnoreSizes
	p.AllowWeak, err = parseWeak(table.Weak)
	return p, "weak", err
}

// readLife reads the keys that both phases have; key says where an error belongs.
func readLife(overlap *int, lifetime, size *string, bounds *responderTable) (l Life, key string, err error) {
	if overlap != nil {
		l.KeyOverlap = *overlap
		if l.KeyOverlap == 0 {
			return l, "key-overlap", fmt.Errorf("0 is not between 1 and %d percent", MaxKeyOverlap)
		}
	}
	if l.TunnelLifetime, err = parseDuration(lifetime); err != nil {
		return l, "tunnel-lifetime", err
	}
	if l.TunnelKB, err = parseSize(size); err != nil {
		return l, "tunnel-size", err
	}
	r := orZero(bounds)
	if l.Responder.MinLifetime, err = parseDuration(r.MinLifetime); err != nil {
		return l, "responder.min-lifetime", err
	}
	if l.Responder.MaxLifetime, err = parseDuration(r.MaxLifetime); err != nil {
		return l, "responder.max-lifetime", err
	}
	if l.Responder.MinKB, err = parseSize(r.MinSize); err != nil {
		return l, "responder.min-size", err
	}
	if l.Responder.MaxKB, err = parseSize(r.MaxSize); err != nil {
		return l, "responder.max-size", err
	}
	return l, "", nil
}

func (table groupTable) group() (g Group, key string, err error) {
	ids, err := parseIDs(table.IDs)
	return Group{Name: table.Name, IDs: ids}, "ids", err
}

func (table dataTunnelTable) tunnel() (t DataTunnel, key string, err error) {
	t = DataTunnel{
		Name: table.Name, Number: table.Number, Tunnel: table.Tunnel, Protection: table.Protection,
		AutoStart: table.AutoStart, OnDemand: table.OnDemand,
	}
	local, remote := orZero(table.Local), orZero(table.Remote)
	t.Local.Port, t.Remote.Port, t.Remote.Group = local.Port, remote.Port, remote.Group
	if table.Protocol != nil {
		if t.Local.Protocol, err = ParseProtocol(*table.Protocol); err != nil {
			return t, "protocol", err
		}
		t.Remote.Protocol = t.Local.Protocol
	}
	if local.Endpoint != nil {
		if t.Local.Endpoint, err = ParseEndpoint(*local.Endpoint); err != nil {
			return t, "local.endpoint", err
		}
	}
	if remote.Endpoint != nil {
		if t.Remote.Endpoint, err = ParseEndpoint(*remote.Endpoint); err != nil {
			return t, "remote.endpoint", err
		}
	}
	return t, "", nil
}

func (table dataProtectionTable) protection() (p DataProtection, key string, err error) {
	p = DataProtection{Name: table.Name, Role: table.Role, Proposals: table.Proposals, CommitBit: table.CommitBit}
	if table.PFS != nil {
		if p.PFS, err = parsePFS(*table.PFS); err != nil {
			return p, "pfs", err
		}
	}
	for _, word := range table.AcceptPFS {
		var g suite.Group
		if g, err = parsePFS(word); err != nil {
			return p, "accept-pfs", err
		}
		p.AcceptPFS = append(p.AcceptPFS, g)
	}
	if p.Life, key, err = readLife(table.KeyOverlap, table.TunnelLifetime, table.TunnelSize, table.Responder); err != nil {
		return p, key, err
	}
	p.IgnoreSizes = table.IgnoreSizes
	p.AllowWeak, err = parseWeak(table.Weak)
	return p, "weak", err
}

func (table proposalTable) proposal() (p Proposal, key string, err error) {
	p.Name = table.Name
	if p.ESP, err = parseEach(table.ESP, ParseESP); err != nil {
		return p, "esp", err
	}
	p.AH, err = parseEach(table.AH, ParseAH)
	return p, "ah", err
}

func parseEach[T any](words []string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for _, word := range words {
		one, err := parse(word)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// endpointTypes are the types of endpoint by their words.
var endpointTypes = [...]struct {
	word string
	typ  isakmp.IDType
}{
	{"ipv4", isakmp.IDIPv4Addr}, {"ipv4-subnet", isakmp.IDIPv4Subnet}, {"ipv4-range", isakmp.IDIPv4Range},
	{"ipv6", isakmp.IDIPv6Addr}, {"ipv6-subnet", isakmp.IDIPv6Subnet}, {"ipv6-range", isakmp.IDIPv6Range},
}

func parseEndpointTypes(words []string) ([]isakmp.IDType, error) {
	return parseEach(words, func(word string) (isakmp.IDType, error) {
		for _, known := range endpointTypes {
			if known.word == word {
				return known.typ, nil
			}
		}
		return 0, fmt.Errorf("%q is not known: use ipv4, ipv4-subnet, ipv4-range, ipv6, ipv6-subnet or ipv6-range", word)
	})
}

// endpointTypeWords writes types of endpoint.
func endpointTypeWords(types []isakmp.IDType) []string {
	words := make([]string, 0, len(types))
	for _, typ := range types {
		for _, known := range endpointTypes {
			if known.typ == typ {
				words = append(words, known.word)
			}
		}
	}
	return words
}
