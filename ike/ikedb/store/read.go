package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"keyman/ike/ikedb"
)

// maxBody is the longest body of a definition, in bytes: a group and its
// identities, a key's thousand transforms and words around them stay far below.
const maxBody = 1 << 20

// Read returns all definitions, tunnels in order of their numbers.
func (s *Store) Read(ctx context.Context) (ikedb.Definitions, error) {
	var d ikedb.Definitions
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d, s.fail(err)
	}
	d, err = read(ctx, tx)
	return d, s.fail(errors.Join(err, tx.Rollback()))
}

// Get returns the definitions that are meant, with recursive also what they refer
// to, and their defaults filled. One by name that is not there is an
// *AbsentError.
func (s *Store) Get(ctx context.Context, what ikedb.Selection, recursive bool) (ikedb.Definitions, error) {
	d, err := s.Read(ctx)
	if err != nil {
		return d, err
	}
	db, err := ikedb.New(d)
	if err != nil {
		return d, fmt.Errorf("%s: %w", s.path, err)
	}
	d = db.Definitions()
	meant := d.Select(what)
	if meant.Len() == 0 && (what.Name != "" || !what.ID.IsZero()) {
		return meant, &AbsentError{what}
	}
	if recursive {
		meant = d.Closure(what)
	}
	return meant, nil
}

// Load reads a database, which must be there, and checks it as ikedb.New does.
func Load(ctx context.Context, path string) (*ikedb.DB, error) {
	s, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	d, err := s.Read(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	db, err := ikedb.New(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// Check looks for damage in the file, and checks the definitions as ikedb.New
// does.
func (s *Store) Check(ctx context.Context) (*ikedb.DB, error) {
	var report string
	if err := s.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&report); err != nil {
		return nil, s.fail(err)
	}
	if report != "ok" {
		return nil, s.fail(errors.New(report))
	}
	d, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	return ikedb.New(d)
}

// read reads every row.
func read(ctx context.Context, tx *sql.Tx) (ikedb.Definitions, error) {
	var d ikedb.Definitions
	rows, err := tx.QueryContext(ctx, "SELECT kind, name, number, substr(body, 1, ?), substr(secret, 1, ?) FROM definition ORDER BY position",
		maxBody+1, ikedb.MaxSecret+1)
	if err != nil {
		return d, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			r    row
			body []byte
		)
		if err := rows.Scan(&r.kind, &r.name, &r.number, &body, &r.secret); err != nil {
			return d, err
		}
		if len(body) > maxBody {
			return d, fmt.Errorf("%s %q: more than %d bytes", r.kind, r.name, maxBody)
		}
		if err := r.decode(body, &d); err != nil {
			return d, fmt.Errorf("%s %q: %w", r.kind, r.name, err)
		}
	}
	slices.SortStableFunc(d.Tunnels, func(a, b ikedb.Tunnel) int { return a.Number - b.Number })
	slices.SortStableFunc(d.DataTunnels, func(a, b ikedb.DataTunnel) int { return a.Number - b.Number })
	return d, rows.Err()
}

// A row is a definition as the table has it.
type row struct {
	kind   ikedb.Kind
	name   string
	number sql.NullInt64
	body   any // what its JSON is made of, or read into
	secret []byte
}

// decode adds the definition of a row to d.
func (r *row) decode(body []byte, d *ikedb.Definitions) error {
	number := int(r.number.Int64)
	switch r.kind {
	case ikedb.KindTunnel:
		t, err := decode[ikedb.Tunnel](body)
		t.Number = number
		d.Tunnels = append(d.Tunnels, t)
		return err
	case ikedb.KindDataTunnel:
		t, err := decode[ikedb.DataTunnel](body)
		t.Number = number
		d.DataTunnels = append(d.DataTunnels, t)
		return err
	case ikedb.KindProtection:
		return decodeTo(body, &d.Protections)
	case ikedb.KindDataProtection:
		return decodeTo(body, &d.DataProtections)
	case ikedb.KindProposal:
		return decodeTo(body, &d.Proposals)
	case ikedb.KindGroup:
		return decodeTo(body, &d.Groups)
	case ikedb.KindPresharedKey:
		id, err := ikedb.ParseIdentity(r.name)
		d.PresharedKeys = append(d.PresharedKeys, ikedb.PresharedKey{IDs: []ikedb.Identity{id}, Secret: ikedb.NewSecret(r.secret)})
		clear(r.secret)
		return err
	}
	return errors.New("it is of no known kind")
}

func decode[T any](body []byte) (T, error) {
	var one T
	err := json.Unmarshal(body, &one)
	return one, err
}

func decodeTo[T any](body []byte, into *[]T) error {
	one, err := decode[T](body)
	*into = append(*into, one)
	return err
}

// rowsOf makes the rows of definitions, in the order of ikedb.Kinds.
func rowsOf(d ikedb.Definitions) []row {
	var all []row
	for _, p := range d.Proposals {
		all = append(all, row{kind: ikedb.KindProposal, name: p.Name, body: p})
	}
	for _, p := range d.DataProtections {
		all = append(all, row{kind: ikedb.KindDataProtection, name: p.Name, body: p})
	}
	for _, p := range d.Protections {
		all = append(all, row{kind: ikedb.KindProtection, name: p.Name, body: p})
	}
	for _, g := range d.Groups {
		all = append(all, row{kind: ikedb.KindGroup, name: g.Name, body: g})
	}
	for _, k := range d.PresharedKeys {
		all = append(all, row{kind: ikedb.KindPresharedKey, name: k.IDs[0].String(), body: k, secret: k.Secret.Bytes()})
	}
	for _, t := range d.Tunnels {
		number := sql.NullInt64{Int64: int64(t.Number), Valid: true}
		t.Number = 0
		all = append(all, row{kind: ikedb.KindTunnel, name: t.Name, number: number, body: t})
	}
	for _, t := range d.DataTunnels {
		number := sql.NullInt64{Int64: int64(t.Number), Valid: true}
		t.Number = 0
		all = append(all, row{kind: ikedb.KindDataTunnel, name: t.Name, number: number, body: t})
	}
	return all
}
