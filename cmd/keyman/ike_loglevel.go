package main

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
)

// A logLevel is one of AIX's isakmpd, by its word.
type logLevel string

// The levels, the quietest first.
const (
	logNone        logLevel = "none"
	logError       logLevel = "error"
	logEvents      logLevel = "isakmp_events"
	logInformation logLevel = "information"
)

// levelWords are the levels, the quietest first.
var levelWords = []string{string(logNone), string(logError), string(logEvents), string(logInformation)}

// logLevels are the levels as log/slog has them.
var logLevels = map[logLevel]slog.Level{
	logNone:        math.MaxInt, // above everything
	logError:       slog.LevelWarn,
	logEvents:      slog.LevelInfo,
	logInformation: slog.LevelDebug,
}

// UnmarshalText reads the word of a level. AIX's own pages write error and errors.
func (l *logLevel) UnmarshalText(text []byte) error {
	word := logLevel(strings.ToLower(string(text)))
	if word == "errors" {
		word = logError
	}
	if _, ok := logLevels[word]; !ok {
		return fmt.Errorf("%q is no log level: use none, error, isakmp_events or information", text)
	}
	*l = word
	return nil
}

// daemonLevel is the log level of a running daemon, which can be changed.
type daemonLevel struct {
	app  *app
	slog slog.LevelVar
	mu   sync.Mutex // guards word
	word logLevel
}

// begin sets the first level: that of the command line, or else of the settings.
func (d *daemonLevel) begin(flag string) error {
	if flag == "" {
		_, err := d.Reread()
		return err
	}
	if err := d.Set(flag); err != nil {
		return usagef("--log-level: %v", err)
	}
	return nil
}

// Level returns the word of the level in force.
func (d *daemonLevel) Level() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.word)
}

// Set changes the level.
func (d *daemonLevel) Set(word string) error {
	var level logLevel
	if err := level.UnmarshalText([]byte(word)); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.word = level
	d.slog.Set(logLevels[level])
	return nil
}

// Reread sets the level that the settings say now, and returns it.
func (d *daemonLevel) Reread() (string, error) {
	s, err := d.app.settings()
	if err != nil {
		return "", err
	}
	return string(s.IKE.LogLevel), d.Set(string(s.IKE.LogLevel))
}

// newLogger makes the daemon's logger on standard error: text, or with --json
// an object a line.
func (a *app) newLogger(level *daemonLevel) *slog.Logger {
	options := &slog.HandlerOptions{Level: &level.slog}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.stderr, options))
}
