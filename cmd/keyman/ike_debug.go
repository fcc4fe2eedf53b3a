package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"keyman/ike"
)

// exportKeys has the engine write the keys of its negotiations to a new file, for
// the eyes of its owner only. Its close is to be called when the engine has ended.
func exportKeys(config *ike.Config, path string, logger *slog.Logger) (closeFile func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, withHint(err, "remove it, or name another file")
	}
	if err != nil {
		return nil, err
	}
	config.DebugKeys = file
	logger.Warn("the keys of all negotiations are written to a file", "file", path)
	return func() {
		if err := file.Close(); err != nil {
			logger.Warn("the file with the keys of negotiations", "error", err)
		}
	}, nil
}
