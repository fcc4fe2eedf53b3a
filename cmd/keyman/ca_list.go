package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"keyman/ca"
	"keyman/internal/cells"
)

// newCAListCommand is "keyman ca list".
func newCAListCommand(a *app) *cobra.Command {
	var wide bool
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the CAs, or the certificates that one issued",
		Example: `  keyman ca list
  keyman ca list lab`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeCAs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listCAs(cmd.Context(), wide)
			}
			return a.listIssued(cmd.Context(), args[0], wide)
		},
	}
	addWideFlag(cmd, &wide)
	return cmd
}

// listCAs lists the CAs in the state directory. One that cannot be read does not
// hide the others.
func (a *app) listCAs(ctx context.Context, wide bool) error {
	state, err := a.state()
	if err != nil {
		return err
	}
	folders, err := os.ReadDir(filepath.Join(state, "ca"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	type row struct {
		Name         string `json:"name"`
		Subject      string `json:"subject"`
		Certificates int    `json:"certificates"`
		CRLNumber    uint64 `json:"crl_number"`
	}
	rows := []row{}
	var unread []error
	for _, folder := range folders {
		// A founding that was broken off leaves a folder with another name.
		if name := folder.Name(); isCAName(name) {
			c, err := a.openCA(ctx, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			r := row{Name: name}
			if err == nil {
				r.Subject = c.Subject().String()
				r.Certificates, r.CRLNumber, err = issuedBy(c)
			}
			if err != nil {
				unread = append(unread, fmt.Errorf("CA %s: %w", name, err))
				continue
			}
			rows = append(rows, r)
		}
	}
	err = a.print(rows, func(w io.Writer) {
		if len(rows) == 0 {
			fmt.Fprintf(w, "no CAs in %s\n", printable(state))
			return
		}
		t := table{columns: []column{{title: "NAME", shorten: cells.CutMiddle}, {title: "CERTIFICATES", right: true}, {title: "LATEST LIST", right: true}, {title: "SUBJECT", shorten: cells.Cut}}, wide: wide}
		for _, r := range rows {
			latest := "none"
			if r.CRLNumber > 0 {
				latest = fmt.Sprint(r.CRLNumber)
			}
			t.rows = append(t.rows, []cell{{text: r.Name}, {text: strconv.Itoa(r.Certificates)}, {text: latest}, subjectCell(r.Subject)})
		}
		t.write(w)
	})
	return errors.Join(append(unread, err)...)
}

// issuedBy returns how many certificates a CA issued, and the number of its
// latest revocation list.
func issuedBy(c *ca.CA) (certificates int, crlNumber uint64, err error) {
	records, err := c.Certificates()
	if err != nil {
		return 0, 0, err
	}
	crlNumber, err = c.CRLNumber()
	return len(records), crlNumber, err
}

// listIssued lists the certificates that a CA issued.
func (a *app) listIssued(ctx context.Context, name string, wide bool) error {
	c, err := a.openCA(ctx, name)
	if err != nil {
		return err
	}
	records, err := c.Certificates()
	if err != nil {
		return err
	}
	type row struct {
		ca.Record
		Status string `json:"status"`
	}
	now := time.Now()
	rows := make([]row, 0, len(records))
	for _, record := range records {
		rows = append(rows, row{record, record.Status(now)})
	}
	return a.print(rows, func(w io.Writer) {
		t := table{columns: []column{{title: "SERIAL"}, {title: "STATUS"}, {title: "GOOD UNTIL"}, {title: "SUBJECT", shorten: cells.Cut}}, wide: wide}
		for _, r := range rows {
			t.rows = append(t.rows, []cell{{text: r.Serial}, {text: r.Status}, {text: r.NotAfter.Format(time.DateOnly)}, subjectCell(r.Subject)})
		}
		t.write(w)
	})
}
