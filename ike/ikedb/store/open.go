package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// FileName is the database's name in the state directory.
const FileName = "ike.db"

// The marks of our files (SQLite's application_id, "kmik") and of their schema.
const (
	applicationID = 0x6b6d696b
	schemaVersion = 1
)

// schema makes an empty database.
const schema = `
CREATE TABLE definition (
	kind     TEXT NOT NULL,
	name     TEXT NOT NULL,
	number   INTEGER,
	position INTEGER NOT NULL,
	body     TEXT NOT NULL,
	secret   BLOB,
	PRIMARY KEY (kind, name)
) STRICT;
CREATE TABLE last_number (
	kind   TEXT NOT NULL PRIMARY KEY,
	number INTEGER NOT NULL
) STRICT;`

// A Store is an open database. It may be used from many goroutines.
type Store struct {
	path string
	db   *sql.DB
}

// An Error is a database that cannot be used.
type Error struct {
	Path string
	Err  error
	Fix  string
}

// Error says which database, and what is wrong with it.
func (e *Error) Error() string { return fmt.Sprintf("definitions in %s: %v", e.Path, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *Error) Hint() string { return e.Fix }

// Open opens a database, which must be there: otherwise the error is
// fs.ErrNotExist.
func Open(ctx context.Context, path string) (*Store, error) { return open(ctx, path, false) }

// Create opens a database, and makes an empty one, with its folder, where there
// is none.
func Create(ctx context.Context, path string) (*Store, error) { return open(ctx, path, true) }

func open(ctx context.Context, path string, create bool) (*Store, error) {
	if err := prepare(path, create); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, &Error{Path: path, Err: err}
	}
	// Writers wait for each other for some seconds; what was deleted is zeroed; a
	// crafted file cannot make its own schema run functions.
	query := url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "secure_delete(ON)", "trusted_schema(OFF)", "cell_size_check(ON)", "synchronous(FULL)",
	}}
	source := url.URL{Scheme: "file", Path: absolute, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, &Error{Path: path, Err: err}
	}
	// One connection is enough, and keeps the memory of one.
	db.SetMaxOpenConns(1)
	s := &Store{path: path, db: db}
	if err := s.prepareSchema(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// prepare makes the file if it may, and refuses one that others can read.
func prepare(path string, create bool) error {
	if create {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return &Error{Path: path, Err: err}
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return &Error{Path: path, Err: err}
		}
		if err := f.Close(); err != nil {
			return &Error{Path: path, Err: err}
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Path: path, Err: err, Fix: "make it with keyman ikedb put"}
	case err != nil:
		return &Error{Path: path, Err: err}
	case !info.Mode().IsRegular():
		return &Error{Path: path, Err: errors.New("it is no regular file")}
	case info.Mode().Perm()&0o077 != 0:
		return &Error{Path: path, Err: fmt.Errorf("its mode %04o lets others than its owner at preshared keys", info.Mode().Perm()), Fix: "chmod 600 it"}
	}
	return nil
}

// prepareSchema checks whose file it is, and makes the tables of an empty one.
func (s *Store) prepareSchema(ctx context.Context) error {
	var application, version, tables int
	err := s.db.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), "+
		"(SELECT count(*) FROM sqlite_schema)").Scan(&application, &version, &tables)
	switch {
	case err != nil:
		return s.fail(err)
	case tables == 0 && application == 0 && version == 0:
		return s.transact(ctx, makeSchema)
	case application != applicationID:
		return &Error{Path: s.path, Err: errors.New("it is a database of another program")}
	case version != schemaVersion:
		return &Error{Path: s.path, Err: fmt.Errorf("its schema has the version %d, and this keyman knows %d", version, schemaVersion),
			Fix: "use the keyman that wrote it, or a later one"}
	}
	return nil
}

// makeSchema makes the tables unless another process has just done so.
func makeSchema(ctx context.Context, tx *sql.Tx) error {
	var tables int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil || tables > 0 {
		return err
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("%s\nPRAGMA application_id = %d;\nPRAGMA user_version = %d;", schema, applicationID, schemaVersion))
	return err
}

// transact runs f in a transaction that no other writer shares: whole or not at
// all.
func (s *Store) transact(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.fail(err)
	}
	if err := f(ctx, tx); err != nil {
		// The rollback of a transaction that is over says nothing new.
		_ = tx.Rollback()
		return s.fail(err)
	}
	return s.fail(tx.Commit())
}

// fail gives an error of the database the file's name. Errors about definitions
// have their own.
func (s *Store) fail(err error) error {
	var ours *Error
	if err == nil || errors.As(err, &ours) || isRefusal(err) {
		return err
	}
	return &Error{Path: s.path, Err: err, Fix: "if the file is damaged, put a backup in its place"}
}

// Close closes the database.
func (s *Store) Close() error { return s.fail(s.db.Close()) }

// Path returns the database's file.
func (s *Store) Path() string { return s.path }
