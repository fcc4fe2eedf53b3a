package ldapd_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"keyman/internal/testpeer/ldapd"
)

func start(t *testing.T, onSearch func(string)) *ldapd.Server {
	t.Helper()
	s, err := ldapd.Start(ldapd.Config{OnSearch: onSearch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSearch: entries are found by their names, with the attributes asked for,
// until they are removed.
func TestSearch(t *testing.T) {
	bases := make(chan string, 100)
	s := start(t, func(base string) { bases <- base })
	list := bytes.Repeat([]byte{0, 1, 2, 0xff}, 100_000)
	if err := s.Put("CN=CA,C=CH", ldapd.Attributes{"cn": {[]byte("CA")}, "certificateRevocationList;binary": {list, []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	client, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.UnauthenticatedBind(""); err != nil {
		t.Fatal(err)
	}
	search := func(base string, attributes ...string) (*ldap.SearchResult, error) {
		return client.Search(ldap.NewSearchRequest(base, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes, nil))
	}
	for _, c := range []struct {
		asked []string
		names int
	}{
		{nil, 2},
		{[]string{"*"}, 2},
		{[]string{"certificateRevocationList"}, 1},
		{[]string{"CERTIFICATEREVOCATIONLIST;binary", "cn"}, 2},
		{[]string{"cn;binary"}, 0},
	} {
		result, err := search("cn=ca, c=ch", c.asked...)
		if err != nil || len(result.Entries) != 1 || result.Entries[0].DN != "CN=CA,C=CH" || len(result.Entries[0].Attributes) != c.names {
			t.Fatalf("asked for %q: %+v, %v", c.asked, result, err)
		}
	}
	result, err := search("CN=CA,C=CH", "certificateRevocationList")
	if err != nil {
		t.Fatal(err)
	}
	values := result.Entries[0].GetRawAttributeValues("certificateRevocationList;binary")
	if len(values) != 2 || !bytes.Equal(values[0], list) || string(values[1]) != "x" {
		t.Errorf("%d values", len(values))
	}
	if _, err := search("CN=other"); !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := search("no name"); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidDNSyntax) {
		t.Errorf("what is no name: %v", err)
	}
	if err := s.Remove("cn=CA,c=CH"); err != nil {
		t.Fatal(err)
	}
	if _, err := search("CN=CA,C=CH"); !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Errorf("what was removed: %v", err)
	}
	if first := <-bases; first != "cn=ca, c=ch" || len(bases) != 8 {
		t.Errorf("told of %q and %d more", first, len(bases))
	}
	if err := client.Del(ldap.NewDelRequest("CN=CA,C=CH", nil)); err == nil {
		t.Error("a client deletes an entry")
	}
}

// TestRefused: who does not speak LDAP is hung up on, before anything of the length
// that they claim is made.
func TestRefused(t *testing.T) {
	s := start(t, nil)
	for name, message := range map[string][]byte{
		"HTTP":              []byte("GET / HTTP/1.0\r\n\r\n" + string(make([]byte, 'E'))),
		"no message":        {0x30, 0x00},
		"no operation":      {0x30, 0x06, 2, 1, 1, 2, 1, 1},
		"no number":         {0x30, 0x05, 4, 1, 1, 0x42, 0},
		"indefinite length": {0x30, 0x80, 0, 0},
		"too long":          {0x30, 0x84, 0x7f, 0xff, 0xff, 0xff},
	} {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(message); err != nil {
			t.Fatal(err)
		}
		if answer, _ := io.ReadAll(conn); len(answer) != 0 {
			t.Errorf("%s: answered %x", name, answer)
		}
		conn.Close()
	}
}

// TestSearchWithout: a search without its fields is a protocol error.
func TestSearchWithout(t *testing.T) {
	s := start(t, nil)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{0x30, 0x05, 2, 1, 7, 0x63, 0}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 14)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	if want := []byte{0x30, 0x0c, 2, 1, 7, 0x65, 7, 0x0a, 1, 2, 4, 0, 4, 0}; !bytes.Equal(answer, want) {
		t.Errorf("%x, want %x", answer, want)
	}
}
