package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/deffile"
	"keyman/ike/ikedb"
	"keyman/ike/ikedb/aixxml"
	"keyman/ike/ikedb/store"
)

// newIkedbCommand is "keyman ikedb" with what it groups.
func newIkedbCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ikedb",
		Short: "Keep the definitions of tunnels",
		Long: `Keep the definitions of tunnels, data tunnels, their protections, proposals, groups
and preshared keys in a database, ike.db in the state directory, and read and write
them as XML in the words of AIX or as TOML. Every change is done whole or not at all,
and nothing is kept that does not fit together. Where there is an ike.db the daemon
reads it when it starts, and not tunnels.toml.

Called as ikedb, or as "keyman ikedb" with a first word that begins with a dash, it
takes AIX's command line.`,
	}
	cmd.AddCommand(newIkedbPutCommand(a), newIkedbGetCommand(a), newIkedbDeleteCommand(a), newIkedbCheckCommand(a), newIkedbDTDCommand(a))
	return cmd
}

// ikedbPath returns the database of the state directory.
func (a *app) ikedbPath() (string, error) {
	state, err := a.state()
	return filepath.Join(state, store.FileName), err
}

// withStore opens the database and closes it after use.
func (a *app) withStore(ctx context.Context, use func(*store.Store) error) error {
	path, err := a.ikedbPath()
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

// inputFlags say how a file of definitions is read.
type inputFlags struct{ options deffile.Options }

func addInputFlags(cmd *cobra.Command) *inputFlags {
	f := &inputFlags{}
	cmd.Flags().StringVarP(&f.options.Entities, "entities", "e", "", "`file` with lines such as <!ENTITY name \"text\">, for &name; in XML")
	cmd.Flags().BoolVarP(&f.options.Swap, "swap", "s", false, "exchange local and remote ends, for a file of the peer's")
	cmd.Flags().BoolVar(&f.options.AllowWeak, "allow-weak", false, "let protections have the weak algorithms that they name")
	cmd.Flags().StringVar(&f.options.Certificate, "certificate", "", "`label` of the certificate of tunnels that sign and name none")
	return f
}

// readInput reads a file of definitions, or standard input, and warns where it
// shows preshared keys to others.
func (a *app) readInput(f *inputFlags, args []string) (*deffile.File, error) {
	path := "-"
	if len(args) > 0 {
		path = args[0]
	}
	file, err := deffile.Read(path, a.stdin, f.options)
	if err != nil {
		return nil, err
	}
	if file.Exposed {
		a.warnf("%s holds preshared keys, and others than its owner may read it: chmod 600 it, or remove it", printable(path))
	}
	return file, nil
}

// addFormatFlag adds --format.
func addFormatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVar(format, "format", deffile.XML, "`format`: xml or toml")
	completeWords(cmd, "format", deffile.XML, deffile.TOML)
}

// selectionHelp tells how definitions are meant.
const selectionHelp = `KIND is tunnel, protection, group, preshared-key, data-tunnel, data-protection or
proposal, or an element of AIX's XML such as IKETunnel. A preshared key is meant by
--id, with one of its identities.`

// selection reads which definitions are meant: a kind and a name, or an identity.
func selection(args []string, id string) (ikedb.Selection, error) {
	var s ikedb.Selection
	if len(args) > 0 {
		kind, err := parseKind(args[0])
		if err != nil {
			return s, err
		}
		s.Kind = kind
	}
	if len(args) > 1 {
		s.Name = args[1]
	}
	switch {
	case id == "" && s.Kind == ikedb.KindPresharedKey && s.Name != "":
		return s, usagef("a preshared key has no name: give one of its identities with --id")
	case id == "":
		return s, nil
	case s.Kind != ikedb.KindPresharedKey || s.Name != "":
		return s, usagef("--id is for preshared-key, and in place of a name")
	}
	var err error
	if s.ID, err = ikedb.ParseIdentity(id); err != nil {
		return s, usagef("--id: %w", err)
	}
	return s, nil
}

// parseKind reads a kind of definition, or the element of one.
func parseKind(word string) (ikedb.Kind, error) {
	if kind, ok := aixxml.Kind(word); ok {
		return kind, nil
	}
	var known []string
	for _, kind := range ikedb.Kinds() {
		if string(kind) == word {
			return kind, nil
		}
		known = append(known, string(kind))
	}
	return "", withHint(usagef("%q is no kind of definition", word), "use "+strings.Join(known, ", "))
}

// completeKinds completes the first argument.
func completeKinds(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, kind := range ikedb.Kinds() {
		words = append(words, string(kind))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// writeCounts writes how many definitions there are of each kind.
func writeCounts(w io.Writer, d ikedb.Definitions) {
	for _, kind := range ikedb.Kinds() {
		if n := len(d.Names(kind)); n > 0 {
			fmt.Fprintf(w, "%-16s %d\n", kind, n)
		}
	}
}

func newIkedbDTDCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "dtd",
		Short: "Print the document type of the XML",
		Long: `Print the document type of the XML that "keyman ikedb put" takes and "keyman ikedb get"
writes. Its elements and attributes are those of AIX by name; those that begin with
Keyman_ are keyman's own.`,
		Example: `  keyman ikedb dtd > vpn.dtd`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.print(map[string]string{"dtd": aixxml.DTD}, func(w io.Writer) { fmt.Fprint(w, aixxml.DTD) })
		},
	}
}
