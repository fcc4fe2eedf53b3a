package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/aixxml"
	"keyman/ike/ikedb/store"
)

// checkResult is the JSON of "keyman ikedb check".
type checkResult struct {
	OK     bool               `json:"ok"`
	Error  string             `json:"error,omitempty"`
	Hint   string             `json:"hint,omitempty"`
	Counts map[ikedb.Kind]int `json:"counts,omitempty"`
}

func newIkedbCheckCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check the database, or a file",
		Long: `Look for damage in the database, and whether its definitions fit together; or tell
whether "keyman ikedb put" would take a file, and put nothing. "-" is standard input.

Exit codes: 0 all is well, 1 it is not, 2 usage, 3 failed.`,
		Example: `  keyman ikedb check
  keyman ikedb check tunnels.xml`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().BoolVarP(&force, "force", "F", false, "as if put were to overwrite what the database has")
	input := addInputFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var (
			checked ikedb.Definitions
			err     error
		)
		if len(args) == 0 {
			err = a.withStore(cmd.Context(), func(s *store.Store) error {
				db, err := s.Check(cmd.Context())
				if err == nil {
					checked = db.Definitions()
				}
				return err
			})
		} else {
			checked, err = a.checkFile(cmd, input, args, force)
		}
		if err != nil && !saysNo(err) {
			return err
		}
		return a.printCheck(checked, err)
	}
	return cmd
}

// checkFile tells whether a file could be put.
func (a *app) checkFile(cmd *cobra.Command, input *inputFlags, args []string, force bool) (ikedb.Definitions, error) {
	file, err := a.readInput(input, args)
	if err != nil {
		return ikedb.Definitions{}, err
	}
	err = a.withStore(cmd.Context(), func(s *store.Store) error {
		_, err := s.Try(cmd.Context(), file.Definitions, force)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		_, err = ikedb.New(file.Definitions)
	}
	return file.Definitions, file.Explain(err)
}

// saysNo reports whether an error is about definitions, rather than one that kept
// them from being read.
func saysNo(err error) bool {
	var (
		definition *ikedb.Error
		element    *aixxml.Error
	)
	return errors.As(err, &definition) || errors.As(err, &element)
}

// printCheck prints what was found, and makes the answer of it.
func (a *app) printCheck(d ikedb.Definitions, wrong error) error {
	if wrong == nil {
		counts := make(map[ikedb.Kind]int)
		for _, kind := range ikedb.Kinds() {
			counts[kind] = len(d.Names(kind))
		}
		return a.print(checkResult{OK: true, Counts: counts}, func(w io.Writer) {
			writeCounts(w, d)
			fmt.Fprintln(w, "all is well")
		})
	}
	result := checkResult{Error: wrong.Error()}
	no := error(answerNo{wrong.Error()})
	if h := hinted(nil); errors.As(wrong, &h) {
		result.Hint = h.Hint()
		no = withHint(no, h.Hint())
	}
	if a.json {
		if err := a.print(result, nil); err != nil {
			return err
		}
	}
	return no
}
