package isakmpd_test

import (
	"maps"
	"strings"
	"testing"

	"keyman/internal/settings/isakmpd"
)

func TestRead(t *testing.T) {
	const file = "# AIX\nlog_level = errors\nMain_Mode_Requires_IP=yes\nSOCKS4_SERVER=s\nSocks4_PortNum= 1081\nSOCKS4_USERID=u\n\n" +
		"LDAP_SERVER=l\nLDAP_VERSION=2\nLDAP_SERVERPORT=390\nLDAP_SEARCHTIME=5\nCRL_FETCH_ORDER= LDAP, HTTP\r\n" +
		"v1=500-4500,v2=600-4600\nLIVENESS_CHK_INTERVAL=9\nq1mode=3\n"
	values, warnings, err := isakmpd.Read("isakmpd.conf", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"crl.socks4_server": "s", "crl.socks4_port": "1081", "crl.socks4_user": "u", "crl.ldap_server": "l", "crl.ldap_port": "390",
		"crl.ldap_version": "2", "crl.ldap_search_time": "5", "crl.fetch_order": "ldap, http", "ike.log_level": "errors", "ike.main_mode_requires_ip": "true"}
	if !maps.Equal(values, want) {
		t.Errorf("values %v, want %v", values, want)
	}
	if len(warnings) != 1 || warnings[0] != `isakmpd.conf:15: the item "q1mode" is not known` {
		t.Errorf("warnings %q", warnings)
	}
	for text, want := range map[string]string{
		"LDAP_VERSION=4":                 "isakmpd.conf:1: LDAP_VERSION",
		"\nlog_level=loud":               "isakmpd.conf:2",
		"MAIN_MODE_REQUIRES_IP=perhaps":  "yes, no",
		"LDAP_SERVER=":                   "no value",
		"LDAP_SERVER":                    "not KEY=value",
		strings.Repeat("#\n", 40000):     "longer than",
		"#" + strings.Repeat("x", 70000): "too long",
	} {
		if _, _, err := isakmpd.Read("isakmpd.conf", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: error %v does not say %q", text, err, want)
		}
	}
}
