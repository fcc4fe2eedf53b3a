// Package isakmpd reads AIX's isakmpd.conf as it stands: which settings of keyman.toml
// its items mean.
package isakmpd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 64 << 10

// An item is one of the file.
type item struct {
	// key is the dotted name of the setting that it means; "" where there is
	// none.
	key string
	// words are the values that it may have, where they are words.
	words []string
}

// items are those that AIX documents, by their names in lower case.
var items = map[string]item{
	"socks4_server":         {key: "crl.socks4_server"},
	"socks4_portnum":        {key: "crl.socks4_port"},
	"socks4_userid":         {key: "crl.socks4_user"},
	"ldap_server":           {key: "crl.ldap_server"},
	"ldap_serverport":       {key: "crl.ldap_port"},
	"ldap_version":          {key: "crl.ldap_version", words: []string{"2", "3"}},
	"ldap_searchtime":       {key: "crl.ldap_search_time"},
	"crl_fetch_order":       {key: "crl.fetch_order"},
	"log_level":             {key: "ike.log_level", words: []string{"none", "error", "errors", "isakmp_events", "information"}},
	"main_mode_requires_ip": {key: "ike.main_mode_requires_ip", words: []string{"yes", "no"}},
	"liveness_chk_interval": {},
	"v1":                    {},
}

// Read reads the file: lines KEY=value, in which case does not count, and lines that
// begin with a number sign. It returns the values by the dotted names of the settings
// that they mean, as settings.Apply takes them, and warns of items that AIX does not
// document. The ports and LIVENESS_CHK_INTERVAL, which is for IKEv2, mean nothing
// here. name is that of the file, for errors.
func Read(name string, r io.Reader) (values map[string]string, warnings []string, err error) {
	values = map[string]string{}
	limited := &io.LimitedReader{R: r, N: MaxSize + 1}
	lines := bufio.NewScanner(limited)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, nil, fmt.Errorf("%s:%d: %q is not KEY=value", name, number, line)
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		one, known := items[strings.ToLower(key)]
		if !known {
			warnings = append(warnings, fmt.Sprintf("%s:%d: the item %q is not known", name, number, key))
			continue
		}
		if err := one.check(value); err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %s: %w", name, number, key, err)
		}
		switch one.key {
		case "":
		case "ike.main_mode_requires_ip":
			values[one.key] = strconv.FormatBool(strings.EqualFold(value, "yes"))
		case "crl.fetch_order", "ike.log_level": // words in any case
			values[one.key] = strings.ToLower(value)
		default:
			values[one.key] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if limited.N == 0 {
		return nil, nil, fmt.Errorf("%s: longer than %d bytes", name, MaxSize)
	}
	return values, warnings, nil
}

// check looks whether a value is one of the words of the item.
func (i item) check(value string) error {
	if value == "" {
		return errors.New("no value")
	}
	if i.words == nil {
		return nil
	}
	for _, word := range i.words {
		if strings.EqualFold(word, value) {
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", value, strings.Join(i.words, ", "))
}
