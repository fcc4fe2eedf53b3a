package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"keyman/ike/ikedb"
)

// Changes says what a Put did.
type Changes struct {
	Added, Replaced int
}

// isRefusal reports whether an error is about definitions rather than about the
// file.
func isRefusal(err error) bool {
	var (
		definition *ikedb.Error
		stays      *StaysError
		absent     *AbsentError
	)
	return errors.Is(err, errTried) || errors.As(err, &definition) || errors.As(err, &stays) || errors.As(err, &absent)
}

// Put adds definitions. One that is there already, by its name or by the identity
// of a preshared key, is an error, or with overwrite is replaced and keeps its
// number. A preshared key without a secret keeps the one that the database has.
//
// What is wrong with a definition is an *ikedb.Error, whose Index is its place
// in d, or -1 where one that was there before is at fault.
func (s *Store) Put(ctx context.Context, d ikedb.Definitions, overwrite bool) (Changes, error) {
	return s.put(ctx, d, overwrite, false)
}

// Add opens the database at path, puts definitions as Put does, and closes it. It
// makes the database where there is none, but not for definitions that it refuses.
func Add(ctx context.Context, path string, d ikedb.Definitions, overwrite bool) (Changes, error) {
	s, err := Open(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := fits(d); err != nil {
			return Changes{}, err
		}
		s, err = Create(ctx, path)
	}
	if err != nil {
		return Changes{}, err
	}
	changes, err := s.Put(ctx, d, overwrite)
	return changes, errors.Join(err, s.Close())
}

// fits checks definitions as Put into an empty database does.
func fits(d ikedb.Definitions) error {
	m, err := merge(ikedb.Definitions{}, d, make(lastNumbers), false)
	if err != nil {
		return err
	}
	if _, err := ikedb.New(m.after); err != nil {
		return m.blame(err)
	}
	return nil
}

// Try tells what Put would do, and does nothing.
func (s *Store) Try(ctx context.Context, d ikedb.Definitions, overwrite bool) (Changes, error) {
	changes, err := s.put(ctx, d, overwrite, true)
	if errors.Is(err, errTried) {
		err = nil
	}
	return changes, err
}

// errTried ends a transaction that is not meant.
var errTried = errors.New("tried only")

func (s *Store) put(ctx context.Context, d ikedb.Definitions, overwrite, try bool) (Changes, error) {
	var changes Changes
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		before, err := read(ctx, tx)
		if err != nil {
			return err
		}
		last, err := readLast(ctx, tx)
		if err != nil {
			return err
		}
		m, err := merge(before, d, last, overwrite)
		if err != nil {
			return err
		}
		changes = m.changes
		checked, err := ikedb.New(m.after)
		if err != nil {
			return m.blame(err)
		}
		if try {
			return errTried
		}
		return write(ctx, tx, checked.Definitions(), m.last)
	})
	return changes, err
}

// StaysError is a deletion that would leave a reference without its object.
type StaysError struct {
	What ikedb.Selection
	Err  error
}

// Error says what cannot go, and why.
func (e *StaysError) Error() string { return fmt.Sprintf("%v cannot go: %v", e.What, e.Err) }

// Unwrap returns what would be wrong without it.
func (e *StaysError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *StaysError) Hint() string {
	return "delete what refers to it first, or let that refer to something else"
}

// AbsentError is a selection of nothing.
type AbsentError struct{ What ikedb.Selection }

// Error says what is not there.
func (e *AbsentError) Error() string { return fmt.Sprintf("there is no %v", e.What) }

// Delete removes definitions and returns how many. One by name that is not there
// is an *AbsentError, one that others refer to a *StaysError.
func (s *Store) Delete(ctx context.Context, what ikedb.Selection) (int, error) {
	var gone int
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		before, err := read(ctx, tx)
		if err != nil {
			return err
		}
		after := before.Without(what)
		gone = before.Len() - after.Len()
		if gone == 0 && (what.Name != "" || !what.ID.IsZero()) {
			return &AbsentError{what}
		}
		checked, err := ikedb.New(after)
		if err != nil {
			return &StaysError{what, err}
		}
		last, err := readLast(ctx, tx)
		if err != nil {
			return err
		}
		return write(ctx, tx, checked.Definitions(), last)
	})
	return gone, err
}

// Expunge empties the database, and numbers begin at 1 again. It returns how many
// definitions went.
func (s *Store) Expunge(ctx context.Context) (int, error) {
	var gone int64
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM definition")
		if err != nil {
			return err
		}
		if gone, err = result.RowsAffected(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM last_number")
		return err
	})
	return int(gone), err
}

// lastNumbers are the highest numbers that were given, by kind.
type lastNumbers map[ikedb.Kind]int

func readLast(ctx context.Context, tx *sql.Tx) (lastNumbers, error) {
	last := make(lastNumbers)
	for _, kind := range []ikedb.Kind{ikedb.KindTunnel, ikedb.KindDataTunnel} {
		var n int
		err := tx.QueryRowContext(ctx, "SELECT number FROM last_number WHERE kind = ?", string(kind)).Scan(&n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		last[kind] = n
	}
	return last, nil
}

// write makes the table hold these definitions and nothing else: only rows that
// change are touched.
func write(ctx context.Context, tx *sql.Tx, d ikedb.Definitions, last lastNumbers) error {
	old, position, err := storedRows(ctx, tx)
	if err != nil {
		return err
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO definition (kind, name, number, position, body, secret) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind, name) DO UPDATE SET number = excluded.number, body = excluded.body, secret = excluded.secret`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, r := range rowsOf(d) {
		body, err := json.Marshal(r.body)
		if err != nil {
			return err
		}
		k := rowKey{r.kind, r.name}
		was, there := old[k]
		delete(old, k)
		if there && string(was.body) == string(body) && was.number == r.number && slices.Equal(was.secret, r.secret) {
			continue
		}
		position++
		if _, err := put.ExecContext(ctx, string(r.kind), r.name, r.number, position, string(body), r.secret); err != nil {
			return err
		}
	}
	for k := range old {
		if _, err := tx.ExecContext(ctx, "DELETE FROM definition WHERE kind = ? AND name = ?", string(k.kind), k.name); err != nil {
			return err
		}
	}
	for kind, n := range last {
		if _, err := tx.ExecContext(ctx, "INSERT INTO last_number (kind, number) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET number = excluded.number",
			string(kind), n); err != nil {
			return err
		}
	}
	return nil
}

// A rowKey is what a row is found by.
type rowKey struct {
	kind ikedb.Kind
	name string
}

// A storedRow is what is in a row.
type storedRow struct {
	number       sql.NullInt64
	body, secret []byte
}

// storedRows returns what the table holds, and the last position that is taken.
func storedRows(ctx context.Context, tx *sql.Tx) (map[rowKey]storedRow, int, error) {
	rows, err := tx.QueryContext(ctx, "SELECT kind, name, number, body, secret, position FROM definition")
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var (
		all  = make(map[rowKey]storedRow)
		last int
	)
	for rows.Next() {
		var (
			k        rowKey
			r        storedRow
			position int
		)
		if err := rows.Scan(&k.kind, &k.name, &r.number, &r.body, &r.secret, &position); err != nil {
			return nil, 0, err
		}
		all[k] = r
		last = max(last, position)
	}
	return all, last, rows.Err()
}
