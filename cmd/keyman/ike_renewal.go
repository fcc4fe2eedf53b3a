package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"keyman/crl"
	"keyman/ike"
	"keyman/keystore"
)

// A renewal is what the daemon does on SIGHUP: what has changed since about who is
// trusted counts at once, also for tunnels that are up.
type renewal struct {
	app     *app
	keydb   *keydbFlags
	engine  *ike.Engine
	watcher *crl.Watcher // nil where no tunnel has certificates
	logger  *slog.Logger
}

// attend works until ctx ends.
func (r renewal) attend(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if r.watcher != nil {
				r.trust(ctx)
				r.watcher.Renew(ctx)
			}
			r.logger.Info("revocation lists in use were fetched anew")
		}
	}
}

// trust reads the trusted CAs anew. Where that fails those from before stay.
func (r renewal) trust(ctx context.Context) {
	store, err := r.app.reopenKeydb(ctx, r.keydb)
	if err != nil {
		r.logger.Error("the trusted CAs could not be read anew", "error", err)
		return
	}
	anchors := store.Anchors()
	switch changed, err := r.engine.SetAnchors(ctx, anchors); {
	case err != nil:
		r.logger.Error("the trusted CAs could not be taken over", "error", err)
	case changed && len(anchors) == 0:
		r.logger.Warn("no CA is trusted any more: no peer with a certificate will be accepted")
	case changed:
		r.logger.Info("other CAs are trusted than before", "trusted", len(anchors))
	}
}

// errTypedPassword is a password that only a person, or what was on standard input,
// knows.
var errTypedPassword = errors.New("the key database cannot be opened again: its password was typed, or came from standard input")

// reopenKeydb opens the key database of a running daemon a second time, without
// asking anybody.
func (a *app) reopenKeydb(ctx context.Context, f *keydbFlags) (*keystore.Store, error) {
	if f.password.given() && f.password.file != "-" {
		return a.openKeydb(ctx, f)
	}
	path, err := a.keydbPath(f)
	if err != nil {
		return nil, err
	}
	format, err := keystore.DetectFile(path)
	if err != nil {
		return nil, err
	}
	if !keystore.MayBePlain(format) {
		return nil, errTypedPassword
	}
	store, err := keystore.Open(ctx, path, nil)
	if errors.Is(err, keystore.ErrPassword) {
		err = errTypedPassword
	}
	return store, err
}
