package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/control"
	"keyman/ike/ikedb"
	"keyman/ike/ikedb/store"
	"keyman/keystore"
)

// daemonFlags are those of "keyman ike daemon".
type daemonFlags struct {
	tunnels        string
	keydb          *keydbFlags
	pin            *pinFlags
	listen         string
	port, nattPort uint16
	logLevel       string
	debugKeys      string
	metrics        string
}

// newIKEDaemonCommand is "keyman ike daemon".
func newIKEDaemonCommand(a *app) *cobra.Command {
	f := &daemonFlags{}
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Run the daemon that negotiates tunnels",
		Long: `Read the tunnel definitions, open the key database if a tunnel signs, and
negotiate until the process is told to end (SIGTERM or SIGINT); then the peers
are told that the tunnels end. Tunnels with autostart are activated at once, the
others by "keyman ike activate" or by their peers.

Revocation lists in use are fetched anew before they run out, and at least as
often as watch_every says (keyman crl config); so often the certificates of the
peers of active tunnels are checked again, and a tunnel whose peer is not good
any more ends. On SIGHUP both happens at once, after the trusted CAs have been
read anew; this needs a password that can be had again, and not one that was typed.

The trusted CAs are the trusted signer certificates of the key database. Where
revocation lists come from is said by keyman.toml in the state directory; see
"keyman crl config". The log goes to standard error, at the level that --log-level
or log_level in the section [ike] of keyman.toml says, or an isakmpd.conf of AIX;
"keyman ike log" changes it while the daemon runs:

  none           nothing
  error          failed negotiations, and what goes wrong
  isakmp_events  also tunnels that come and go (the default)
  information    also every message

With --debug-keys the keys that encrypt the negotiations are written to a new file,
a line each, as Wireshark takes them in its file ikev1_decryption_table: a capture
can then be read. So can it by everybody else who gets the file.`,
		Example: `  keyman ike daemon --password-file /etc/keyman.pw
  keyman ike daemon --listen 192.0.2.1`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&f.tunnels, "tunnels", "", "tunnel definitions `file` (default ike.db in the state directory, or else tunnels.toml there)")
	cmd.Flags().StringVar(&f.listen, "listen", "any", "local `address`, or any")
	cmd.Flags().Uint16Var(&f.port, "port", ikedb.DefaultPort, "UDP port; 0 lets the system choose")
	cmd.Flags().Uint16Var(&f.nattPort, "natt-port", ikedb.DefaultNATTPort, "UDP port for NAT traversal; 0 lets the system choose")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "", "`level`: none, error, isakmp_events or information (default that of the settings)")
	completeWords(cmd, "log-level", levelWords...)
	cmd.Flags().StringVar(&f.debugKeys, "debug-keys", "", "write the keys of the negotiations to this new `file`")
	cmd.Flags().StringVar(&f.metrics, "metrics", "", "show Prometheus what happens, at http://`HOST:PORT`/metrics")
	f.keydb = addKeydbFlags(cmd)
	f.pin = addPINFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runDaemon(cmd.Context(), f) }
	return cmd
}

// runDaemon works until ctx ends.
func (a *app) runDaemon(ctx context.Context, f *daemonFlags) error {
	a.holding.Store(true) // its peers are told that it ends
	addr, err := parseListen(f.listen)
	if err != nil {
		return err
	}
	if err := oneStdinPIN(f.pin, f.keydb.password); err != nil {
		return err
	}
	levels := &daemonLevel{app: a}
	if err := levels.begin(f.logLevel); err != nil {
		return err
	}
	logger := a.newLogger(levels)
	// From the first moment on, so that it never ends the daemon.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	state, err := a.state()
	if err != nil {
		return err
	}
	given, err := a.settings()
	if err != nil {
		return err
	}
	config := ike.Config{Logger: logger, MainModeRequiresIP: given.IKE.MainModeRequiresIP}
	if config.DB, err = loadTunnels(ctx, f.tunnels, state, logger); err != nil {
		return err
	}
	var watcher *crl.Watcher
	if signs(config.DB) {
		tokens := &tokenSet{app: a, pin: f.pin}
		defer tokens.close()
		if watcher, err = a.addIdentity(ctx, &config, f.keydb, tokens); err != nil {
			return err
		}
		config.Verifier = watcher
	}
	closeKeys, err := exportKeys(&config, f.debugKeys, logger)
	if err != nil {
		return err
	}
	defer closeKeys()
	shown, err := listenMetrics(ctx, f.metrics, logger)
	if err != nil {
		return err
	}
	defer shown.close()
	// The socket comes first: it tells whether another daemon runs.
	listener, err := control.Listen(ctx, filepath.Join(state, control.SocketName))
	if err != nil {
		return err
	}
	transport, err := ike.ListenUDP(addr, f.port, f.nattPort)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	config.Transport = transport
	engine, err := ike.New(config)
	if err != nil {
		return errors.Join(err, transport.Close(), listener.Close())
	}
	port, nattPort := transport.Ports()
	logger.Info("the daemon runs", "tunnels", len(config.DB.Tunnels()), "listen", f.listen,
		"port", port, "natt_port", nattPort, "socket", filepath.Join(state, control.SocketName))
	// One ends the other.
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return orEnded(engine.Run(ctx)) })
	both.Go(func() error { return orEnded(control.NewServer(engine, logger, levels).Serve(ctx, listener)) })
	both.Go(func() error { return shown.serve(ctx, engine) })
	both.Go(func() error {
		serviceManager{logger}.attend(ctx, engine.Ping)
		return nil
	})
	both.Go(func() error {
		renewal{app: a, keydb: f.keydb, engine: engine, watcher: watcher, logger: logger}.attend(ctx, hangup)
		return nil
	})
	if watcher != nil {
		both.Go(func() error {
			watcher.Run(ctx)
			return nil
		})
	}
	if err := both.Wait(); !errors.Is(err, errEnded) {
		return err
	}
	logger.Info("the daemon has ended")
	return nil
}

// logLists returns what writes to the log how revocation lists stand.
func logLists(logger *slog.Logger) func(crl.ListEvent) {
	return func(e crl.ListEvent) {
		level := slog.LevelWarn
		if e.State == crl.ListCurrent {
			level = slog.LevelInfo
		}
		attrs := []slog.Attr{slog.String("place", e.Place), slog.String("state", string(e.State))}
		if e.Number != "" {
			attrs = append(attrs, slog.String("number", e.Number))
		}
		if !e.NextUpdate.IsZero() {
			attrs = append(attrs, slog.Time("next_update", e.NextUpdate))
		}
		if e.Error != "" {
			attrs = append(attrs, slog.String("error", e.Error))
		}
		logger.LogAttrs(context.Background(), level, "revocation list", attrs...)
	}
}

// errEnded makes an errgroup end its other members when one has ended well.
var errEnded = errors.New("ended")

func orEnded(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

// parseListen reads --listen.
func parseListen(s string) (netip.Addr, error) {
	if s == "any" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, usagef("--listen: %q is neither an IP address nor \"any\"", s)
	}
	return addr, nil
}

// loadTunnels reads the tunnel definitions: from the file that was named, or else
// the database of the state directory, or else tunnels.toml there. It warns where
// one is there that is not read.
func loadTunnels(ctx context.Context, path, state string, logger *slog.Logger) (*ikedb.DB, error) {
	usual := filepath.Join(state, "tunnels.toml")
	if path == "" {
		database := filepath.Join(state, store.FileName)
		db, err := store.Load(ctx, database)
		if !errors.Is(err, fs.ErrNotExist) {
			if _, there := os.Stat(usual); err == nil && there == nil {
				logger.Warn("tunnels.toml is not read: the tunnels are those of ike.db; keyman ikedb put adds to them", "file", usual, "database", database)
			}
			return db, err
		}
		path = usual
	}
	db, err := ikedb.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(err, "write the tunnels into it, or name another file with --tunnels; or put definitions into ike.db with keyman ikedb put")
	}
	return db, err
}

// signs reports whether a tunnel authenticates by certificates.
func signs(db *ikedb.DB) bool {
	for _, t := range db.Tunnels() {
		if p, ok := db.Protection(t.Protection); ok && p.Signatures() {
			return true
		}
	}
	return false
}

// addIdentity gives the engine the credentials and the trusted CAs of the key
// database, and the credentials of tokens that tunnels name, and returns the
// verifier.
func (a *app) addIdentity(ctx context.Context, config *ike.Config, f *keydbFlags, tokens *tokenSet) (*crl.Watcher, error) {
	store, err := a.openKeydb(ctx, f)
	if err != nil {
		return nil, err
	}
	config.Anchors = store.Anchors()
	if config.Credentials, err = credentials(store, config.DB); err != nil {
		return nil, err
	}
	if err := tokens.addCredentials(ctx, config, store); err != nil {
		return nil, err
	}
	return a.newVerifier(config.Logger)
}

// newVerifier makes what decides about peers' certificates. Revocation and timeouts
// are those of each tunnel's protection.
func (a *app) newVerifier(logger *slog.Logger) (*crl.Watcher, error) {
	settings, err := a.crlSettings("")
	if err != nil {
		return nil, err
	}
	config, err := settings.CheckerConfig()
	if err != nil {
		return nil, err
	}
	if config.Disk, err = a.crlCache(); err != nil {
		return nil, err
	}
	config.DiskError = func(err error) { logger.Warn("cache of revocation lists", "error", err) }
	checker, err := crl.NewChecker(config)
	if err != nil {
		return nil, err
	}
	return settings.NewWatcher(checker, logLists(logger))
}

// credentials returns the personal certificates of a key database, and under the
// labels that tunnels use those that they mean: labels in key databases compare
// without regard to case. One that cannot be used is an error only where a
// tunnel needs it.
func credentials(store *keystore.Store, db *ikedb.DB) (map[string]ike.Credential, error) {
	found := make(map[string]ike.Credential)
	for entry := range store.Entries() {
		if entry.Kind != keystore.Personal {
			continue
		}
		if signer, err := entry.Signer(); err == nil {
			found[entry.Label] = ike.Credential{Signer: signer, Chain: entry.Chain}
		}
	}
	for _, t := range db.Tunnels() {
		entry, ok := store.Lookup(t.Local.Certificate)
		if !ok || entry.Kind != keystore.Personal {
			continue // the engine names the labels that there are
		}
		signer, err := entry.Signer()
		if err != nil {
			return nil, fmt.Errorf("tunnel %q: %w", t.Name, err)
		}
		found[t.Local.Certificate] = ike.Credential{Signer: signer, Chain: entry.Chain}
	}
	return found, nil
}
