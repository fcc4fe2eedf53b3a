package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keyman/crl"
	"keyman/internal/settings"
)

func newCRLConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show or change how revocation lists are fetched",
		Long: `Show how revocation lists are fetched, and where each setting comes from: the
section [crl] of keyman.toml in the state directory, or else an isakmpd.conf of
AIX that lies there, or else the default. A http_proxy in keyman.toml takes the
place of the SOCKS4 server in isakmpd.conf.`,
		Example: `  keyman crl config`,
		Args:    cobra.NoArgs,
	}
	cmd.RunE = func(*cobra.Command, []string) error { return a.crlConfigShow() }
	cmd.AddCommand(newCRLConfigSetCommand(a))
	return cmd
}

// configShown is the JSON of "keyman crl config". From names for each setting
// the file that it comes from, or "default".
type configShown struct {
	crl.Settings
	From map[string]string `json:"from"`
}

func (a *app) crlConfigShow() error {
	all, files, err := a.settingsFrom()
	if err != nil {
		return err
	}
	shown := configShown{all.CRL.Redacted(), map[string]string{}}
	for _, key := range settings.Keys(&all.CRL) {
		shown.From[key] = "default"
		if file, ok := files["crl."+key]; ok {
			shown.From[key] = file
		}
	}
	return a.print(shown, func(w io.Writer) { writeSettings(w, shown) })
}

// writeSettings writes each setting on a line, as "config set" takes it, and
// behind it where it comes from.
func writeSettings(w io.Writer, s configShown) {
	data, err := json.Marshal(s.Settings)
	values := map[string]json.RawMessage{}
	if err != nil || json.Unmarshal(data, &values) != nil {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, key := range settings.Keys(&s.Settings) {
		value := strings.NewReplacer(`"`, "", "[", "", "]", "").Replace(string(values[key]))
		fmt.Fprintf(t, "%s=%s\t%s\n", key, printable(value), printable(s.From[key]))
	}
	t.Flush()
}

func newCRLConfigSetCommand(a *app) *cobra.Command {
	var isakmpd string
	cmd := &cobra.Command{
		Use:   "set KEY=VALUE... | --isakmpd FILE",
		Short: "Change how revocation lists are fetched",
		Long: `Change settings in the section [crl] of keyman.toml; KEY= without a value goes
back to the default. With --isakmpd the settings are taken over from AIX's
isakmpd.conf.

Keys: ` + strings.Join(settings.Keys(&crl.Settings{}), ", ") + `.
A password in a proxy's URL can be read by others on the command line: better
write it into the file.`,
		Example: `  keyman crl config set socks4_server=192.0.2.1:1080 ldap_server=ldap.example.org
  keyman crl config set --isakmpd /etc/isakmpd.conf`,
	}
	cmd.Flags().StringVar(&isakmpd, "isakmpd", "", "take the settings of this `file` over, an isakmpd.conf of AIX")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 0) == (isakmpd == "") {
			return usagef("give either KEY=VALUE or --isakmpd FILE")
		}
		return a.crlConfigSet(cmd.Context(), isakmpd, args)
	}
	return cmd
}

func (a *app) crlConfigSet(ctx context.Context, isakmpd string, args []string) error {
	values := map[string]string{}
	if isakmpd != "" {
		var err error
		if values, err = a.readISAKMPD(isakmpd); err != nil {
			return err
		}
		maps.DeleteFunc(values, func(key, _ string) bool { return !strings.HasPrefix(key, "crl.") })
	}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usagef("%q is not KEY=VALUE", arg)
		}
		values["crl."+strings.TrimPrefix(key, "crl.")] = value
	}
	check := func(s fileSettings) error {
		_, err := s.CRL.NewChecker()
		return err
	}
	if err := a.setSettings(ctx, values, check); err != nil {
		return err
	}
	return a.crlConfigShow()
}
