package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// convertResult is the JSON of "keyman keydb convert".
type convertResult struct {
	keydbResult
	Entries int             `json:"entries"`
	Lost    []keystore.Loss `json:"lost"`
}

func newKeydbConvertCommand(a *app) *cobra.Command {
	var (
		from, to string
		plain    bool
	)
	cmd := &cobra.Command{
		Use:   "convert SOURCE TARGET",
		Short: "Make a key database of another format with the same content",
		Long: `Write everything in a key database to a new one, with a password of its own. The
format of SOURCE is told by its content, that of TARGET by its name (.p12, .pfx,
.jks, .jceks, .kdb, .pem) or by --to. SOURCE stays as it is, and TARGET must not be there.

SOURCE may be a folder, or a file, with private keys and certificates as other
programs keep them; nothing that comes from there is trusted. TARGET is a folder of
PEM files where its name ends with a slash or with --to pem-folder. Such files hold
neither trust nor the mark of the default, which is told.

Keys, certificates and trust come over whole, or nothing is written: what the new
format cannot hold (a request in a JKS file, a CA without trust among its trusted
ones) is refused. A SOURCE with an empty password trusts nobody: anybody could have
made its MAC. Labels that are written in another way, the mark of the default where
there is none, and trust that did not come over are told.`,
		Example: `  keyman keydb convert ikekey.kdb keys.p12 --password-file F --target-password-file G
  keyman keydb convert keys.p12 keys/ --to pem-folder --unencrypted
  keyman keydb convert /etc/ipsec.d/certs keys.p12`,
		Args: cobra.ExactArgs(2),
	}
	source := addOpenFlags(cmd, "", "the password of SOURCE")
	target := addPasswordFlags(cmd, "target-", "the password of TARGET")
	cmd.Flags().StringVar(&from, "from", "", "the `format` that SOURCE must have: "+formatNames()+", "+folderFormat)
	cmd.Flags().StringVar(&to, "to", "", "the `format` of TARGET")
	completeFormats(cmd, "from", folderFormat)
	completeFormats(cmd, "to", folderFormat)
	addUnencrypted(cmd, &plain)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := oneStdin(source, target); err != nil {
			return err
		}
		toFolder := namesFolder(to, args[1])
		if plain && !toFolder {
			return usagef("--unencrypted is for a folder: a key database has a password")
		}
		var format keystore.Format
		if !toFolder {
			var err error
			if format, err = targetFormat("to", to, args[1]); err != nil {
				return err
			}
		}
		if from != "" {
			if err := checkFormat(args[0], from); err != nil {
				return err
			}
		}
		store, err := a.openSource(cmd.Context(), args[0], source)
		if err != nil {
			return err
		}
		if toFolder {
			return a.writeFolder(store, folderTarget{path: args[1], plain: plain, password: target})
		}
		password, err := a.password(target, args[1], true)
		if err != nil {
			return err
		}
		defer password.Wipe()
		made, lost, err := store.Convert(cmd.Context(), args[1], password, keystore.Options{Format: format})
		if err != nil {
			return err
		}
		result := convertResult{keydbResult: keydbResult{made.Path(), format.Name()}, Lost: append([]keystore.Loss{}, lost...)}
		for range made.Heads() {
			result.Entries++
		}
		a.warnLosses(lost)
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "wrote %s (%s) with %d entries\n", result.File, result.Format, result.Entries)
		})
	}
	return cmd
}

// checkFormat refuses a file that is not of the format that was said.
func checkFormat(path, name string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if name == folderFormat {
			return nil
		}
		return usagef("--from %s: %s is a folder", name, path)
	}
	if name == folderFormat {
		return usagef("--from %s: %s is no folder", name, path)
	}
	want, err := targetFormat("from", name, path)
	if err != nil {
		return err
	}
	is, err := keystore.DetectFile(path)
	switch {
	case err != nil:
		return err
	case is == nil:
		return &keystore.Error{Op: "open", Path: path, Err: keystore.ErrUnknownFormat}
	case is.Name() != want.Name():
		return usagef("--from %s: %s is a file of format %s", name, path, is.Name())
	default:
		return nil
	}
}
