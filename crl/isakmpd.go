package crl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxISAKMPD bounds an isakmpd.conf, in bytes.
const maxISAKMPD = 64 << 10

// An isakmpdItem is one item of AIX's isakmpd.conf.
type isakmpdItem struct {
	// key is the setting of Settings that it means; "" where it belongs to
	// another part of keyman.
	key string
	// words are the values that it may have, where they are words.
	words []string
}

// isakmpdItems are the items that AIX documents, by their names in lower case.
var isakmpdItems = map[string]isakmpdItem{
	"socks4_server":         {key: "socks4_server"},
	"socks4_portnum":        {key: "socks4_port"},
	"socks4_userid":         {key: "socks4_user"},
	"ldap_server":           {key: "ldap_server"},
	"ldap_serverport":       {key: "ldap_port"},
	"ldap_version":          {key: "ldap_version", words: []string{"2", "3"}},
	"ldap_searchtime":       {key: "ldap_search_time"},
	"crl_fetch_order":       {key: "fetch_order"},
	"log_level":             {words: []string{"none", "error", "errors", "isakmp_events", "information"}},
	"main_mode_requires_ip": {words: []string{"yes", "no"}},
	"liveness_chk_interval": {},
	"v1":                    {},
}

// ReadISAKMPD reads AIX's isakmpd.conf: lines KEY=value, in which case does not
// count, and lines that begin with a number sign. It returns the values that
// belong to Settings by the names of the settings, as settings.Set takes them,
// and warns of items that it does not know. log_level, MAIN_MODE_REQUIRES_IP, the
// ports and LIVENESS_CHK_INTERVAL are known and belong to other parts. name is
// that of the file, for errors.
func ReadISAKMPD(name string, r io.Reader) (values map[string]string, warnings []string, err error) {
	values = map[string]string{}
	limited := &io.LimitedReader{R: r, N: maxISAKMPD + 1}
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
		item, known := isakmpdItems[strings.ToLower(key)]
		if !known {
			warnings = append(warnings, fmt.Sprintf("%s:%d: the item %q is not known", name, number, key))
			continue
		}
		if err := item.check(value); err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %s: %w", name, number, key, err)
		}
		switch item.key {
		case "":
		case "fetch_order":
			values[item.key] = strings.ToLower(value)
		default:
			values[item.key] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if limited.N == 0 {
		return nil, nil, fmt.Errorf("%s: longer than %d bytes", name, maxISAKMPD)
	}
	return values, warnings, nil
}

// check looks whether a value is one of the words of the item.
func (i isakmpdItem) check(value string) error {
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
