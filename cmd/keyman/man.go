package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/manpage"
	"keyman/cmd/keyman/internal/outfile"
)

// manResult is the JSON of "keyman man".
type manResult struct {
	Files []string `json:"files,omitempty"` // where --dir was given
	Page  string   `json:"page,omitempty"`  // otherwise
}

func newManCommand(a *app) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [COMMAND...] [--dir FOLDER]",
		Short: "Write manual pages",
		Long: `Write the manual page of keyman, or of one of its commands, in the language of
man(7), to standard output. With --dir write the pages of a command and all below it
to a folder, which is made where it is not there: keyman.1, keyman-cert-list.1 and
so on. The pages depend on nothing but this keyman: they have no date.`,
		Example: `  keyman man | man -l -
  keyman man cert receive | man -l -
  keyman man --dir /usr/local/share/man/man1`,
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write all pages to this `folder`")
	_ = cmd.MarkFlagDirname("dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		about, rest, err := cmd.Root().Find(args)
		if err != nil {
			return usageError{err}
		}
		if len(rest) > 0 {
			return noCommand(about, rest[0])
		}
		if dir != "" {
			return a.writePages(about, dir)
		}
		var page bytes.Buffer
		if err := manual().Write(&page, about); err != nil {
			return err
		}
		return a.print(manResult{Page: page.String()}, func(w io.Writer) { _, _ = w.Write(page.Bytes()) })
	}
	return cmd
}

// writePages writes the pages of a command and all below it to a folder.
func (a *app) writePages(about *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pages are for everybody
		return err
	}
	var result manResult
	for _, cmd := range manpage.Commands(about) {
		var page bytes.Buffer
		if err := manual().Write(&page, cmd); err != nil {
			return err
		}
		path := filepath.Join(dir, manpage.File(cmd))
		if err := outfile.Write(path, page.Bytes(), outfile.Public); err != nil {
			return err
		}
		result.Files = append(result.Files, path)
	}
	return a.print(result, func(w io.Writer) { fmt.Fprintf(w, "wrote %d pages to %s\n", len(result.Files), dir) })
}

// manual is what pages say beside the help of their commands.
func manual() manpage.Manual {
	under := func(nouns ...string) func(*cobra.Command) bool {
		return func(cmd *cobra.Command) bool {
			words := strings.Fields(cmd.CommandPath())
			if len(words) == 1 {
				return true // keyman(1) has it all
			}
			for _, noun := range nouns {
				if words[1] == noun {
					return true
				}
			}
			return false
		}
	}
	keys := under("keydb", "cert", "req", "ike", "crl")
	return manpage.Manual{
		Exit: []manpage.Term{
			{Name: "0", Text: "It is done, or the answer is yes."},
			{Name: "1", Text: "The answer is no, such as of a certificate that is revoked or one that will soon expire."},
			{Name: "2", Text: "The command line cannot be meant; nothing was done."},
			{Name: "3", Text: "It failed. The error says what failed, with which value, and what to do;\nwith --json it is an object on standard error."},
		},
		Environment: []manpage.Term{
			{Name: "XDG_STATE_HOME", Text: "Where the state directory is for others than root: its folder keyman, or else ~/.local/state/keyman."},
			{Name: "NO_COLOR", Text: "Where it is set nothing is coloured. Colours never say what words do not."},
			{
				Name: "the variable that --password-env names", Text: "A password. Others of the same user, and root, can read it.",
				For: func(cmd *cobra.Command) bool { return cmd.Flags().Lookup("password-env") != nil || !cmd.HasParent() },
			},
		},
		Files: []manpage.Term{
			{Name: "/var/lib/keyman", Text: "The state directory of root. The names below are those of files in it."},
			{Name: "keys.p12", Text: "The key database where --keydb names no other.", For: keys},
			{Name: "keys.p12.~1~, keys.p12.~2~, ...", Text: "What it was before the last changes; keyman-keydb-undo(1) goes back.", For: keys},
			{Name: "ca/NAME/", Text: "A CA: its key database ca.p12, its certificate ca.pem, its database ca.json, the certificates in issued/, and the latest list in crl.der and crl.pem.", For: under("ca")},
			{Name: "ike.db", Text: "The tunnels and what protects them: see keyman-ikedb(1).", For: under("ike", "ikedb")},
			{Name: "tunnels.toml", Text: "The same as a file that people write, read where there is no ike.db.", For: under("ike")},
			{Name: "keyman.toml", Text: "Settings, such as those of revocation lists.", For: under("ike", "crl")},
			{Name: "crl-cache/", Text: "The revocation lists that were fetched and verified: see keyman-crl-cache(1).", For: under("ike", "crl")},
			{Name: "isakmpd.conf", Text: "Settings as AIX has them; keyman.toml wins.", For: under("ike", "crl")},
			{Name: "control.sock", Text: "The socket on which the daemon is spoken to.", For: under("ike")},
		},
	}
}
