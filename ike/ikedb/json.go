package ikedb

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The JSON of a definition has the keys and words of its table in a TOML file. A
// preshared key is written without its secret, and is not read.

// MarshalJSON implements json.Marshaler.
func (t Tunnel) MarshalJSON() ([]byte, error) { return json.Marshal(tableOfTunnel(t)) }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Tunnel) UnmarshalJSON(data []byte) error { return readJSON(data, t, tunnelTable.tunnel) }

// MarshalJSON implements json.Marshaler.
func (p Protection) MarshalJSON() ([]byte, error) { return json.Marshal(tableOfProtection(p)) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Protection) UnmarshalJSON(data []byte) error {
	return readJSON(data, p, protectionTable.protection)
}

// MarshalJSON implements json.Marshaler.
func (g Group) MarshalJSON() ([]byte, error) { return json.Marshal(tableOfGroup(g)) }

// UnmarshalJSON implements json.Unmarshaler.
func (g *Group) UnmarshalJSON(data []byte) error { return readJSON(data, g, groupTable.group) }

// MarshalJSON implements json.Marshaler.
func (k PresharedKey) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		IDs []Identity `json:"ids"`
	}{k.IDs})
}

// MarshalJSON implements json.Marshaler.
func (t DataTunnel) MarshalJSON() ([]byte, error) { return json.Marshal(tableOfDataTunnel(t)) }

// UnmarshalJSON implements json.Unmarshaler.
func (t *DataTunnel) UnmarshalJSON(data []byte) error {
	return readJSON(data, t, dataTunnelTable.tunnel)
}

// MarshalJSON implements json.Marshaler.
func (p DataProtection) MarshalJSON() ([]byte, error) { return json.Marshal(tableOfDataProtection(p)) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *DataProtection) UnmarshalJSON(data []byte) error {
	return readJSON(data, p, dataProtectionTable.protection)
}

// MarshalJSON implements json.Marshaler.
func (p Proposal) MarshalJSON() ([]byte, error) { return json.Marshal(tableOfProposal(p)) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Proposal) UnmarshalJSON(data []byte) error { return readJSON(data, p, proposalTable.proposal) }

// readJSON reads a table strictly and converts it.
func readJSON[T, D any](data []byte, into *D, convert func(T) (D, string, error)) error {
	var table T
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&table); err != nil {
		return err
	}
	d, key, err := convert(table)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	*into = d
	return nil
}
