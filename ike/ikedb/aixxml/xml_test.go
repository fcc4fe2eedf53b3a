package aixxml_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/aixxml"
	"keyman/ike/ikedb/ikedbtest"
	"keyman/internal/testpeer"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares with a file of testdata, or writes it.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got\n%s", name, diff)
	}
}

// written writes definitions as XML.
func written(t testing.TB, d ikedb.Definitions, secrets bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := aixxml.Write(&b, d, secrets); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checked reads XML and checks it as a whole.
func checked(t testing.TB, text string, entities map[string]string) *ikedb.DB {
	t.Helper()
	d, err := aixxml.Read(strings.NewReader(text), entities)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	db, err := ikedb.New(d.Definitions)
	if err != nil {
		t.Fatalf("%v\n%s", d.Explain(err), text)
	}
	return db
}

// A file in the words of AIX, what it means, and how it is written.
func TestGateway(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "gateway.xml"))
	if err != nil {
		t.Fatal(err)
	}
	db := checked(t, string(text), map[string]string{"shop": "198.51.100.7"})
	toml, err := ikedb.MarshalTOML(db.Definitions(), true)
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "gateway.golden.toml", string(toml))
	out := written(t, db.Definitions(), true)
	checkGolden(t, "gateway.golden.xml", out)
	if again := written(t, checked(t, out, nil).Definitions(), true); again != out {
		t.Error(cmp.Diff(out, again))
	}
	hidden := written(t, db.Definitions(), false)
	checkGolden(t, "gateway.hidden.xml", hidden)
	d, err := aixxml.Read(strings.NewReader(hidden), nil)
	if err != nil || d.PresharedKeys[0].Secret.Len() != 0 {
		t.Errorf("a hidden key: %v", err)
	}
}

// Whatever is written is read as the same, and XML and TOML say the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		db, err := ikedb.New(ikedbtest.Definitions().Draw(r, "definitions"))
		if err != nil {
			r.Fatal(err)
		}
		first := written(t, db.Definitions(), true)
		again := checked(t, first, nil)
		if second := written(t, again.Definitions(), true); second != first {
			r.Fatal(cmp.Diff(first, second))
		}
		toml, err := ikedb.MarshalTOML(db.Definitions(), true)
		if err != nil {
			r.Fatal(err)
		}
		same, err := ikedb.MarshalTOML(again.Definitions(), true)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(string(toml), string(same)); diff != "" {
			r.Fatal(diff)
		}
	})
}

// Each file of testdata/refused is refused with the line, the element and the
// fix that its golden file has.
func TestRefused(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "refused", "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var report strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := aixxml.Read(bytes.NewReader(text), nil)
		if err == nil {
			_, err = ikedb.New(d.Definitions)
			err = d.Explain(err)
		}
		var refusal *aixxml.Error
		if !errors.As(err, &refusal) || refusal.Line == 0 || refusal.Fix == "" {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if strings.Contains(err.Error()+refusal.Fix, "s3cret") {
			t.Errorf("%s: the refusal shows the secret", file)
		}
		report.WriteString(filepath.Base(file) + ": " + err.Error() + "\n")
		report.WriteString("  " + refusal.Fix + "\n")
	}
	checkGolden(t, "refused.golden", report.String())
}

// The limits, each passed and broken by one.
func TestLimits(t *testing.T) {
	deep := func(n int) string {
		// The innermost stands n deep; what is deeper than five has no meaning.
		return "<AIX_VPN>" + strings.Repeat("<IKEGroup IKE_GroupName=\"a\">", n-1) + strings.Repeat("</IKEGroup>", n-1) + "</AIX_VPN>"
	}
	group := func(n int) string {
		return "<AIX_VPN><IKEGroup IKE_GroupName=\"a\">" + strings.Repeat("<FQDN Value=\"a\"/>", n-1) + "</IKEGroup></AIX_VPN>"
	}
	value := func(n int) string {
		return "<AIX_VPN><IKEGroup IKE_GroupName=\"" + strings.Repeat("a", n) + "\"/></AIX_VPN>"
	}
	comment := func(n int) string { return "<AIX_VPN><!--" + strings.Repeat("a", n-7) + "--></AIX_VPN>" }
	for name, c := range map[string]struct {
		text, want string
	}{
		"deep":                {deep(aixxml.MaxDepth), `line 1: IKEGroup "a": IKEGroup: the element does not belong there`},
		"too deep":            {deep(aixxml.MaxDepth + 1), "line 1: IKEGroup: elements stand more than 8 deep in each other"},
		"many elements":       {group(aixxml.MaxElements), ""},
		"too many elements":   {group(aixxml.MaxElements + 1), "line 1: FQDN: a definition has more than 4096 elements"},
		"long value":          {value(aixxml.MaxValue), ""},
		"too long a value":    {value(aixxml.MaxValue + 1), "line 1: IKEGroup: IKE_GroupName: 16385 bytes, more than 16384"},
		"long comment":        {comment(aixxml.MaxTag - 1), ""},
		"too long a comment":  {comment(aixxml.MaxTag + 8), "line 1: a tag, a comment or text of more than 65536 bytes"},
		"attributes":          {"<AIX_VPN " + strings.Repeat(`a="" `, aixxml.MaxTag/5), "line 1: a tag, a comment or text of more than 65536 bytes"},
		"attributes, at once": {"<AIX_VPN " + strings.Repeat(`a="" `, 1000) + "/>", "line 1: AIX_VPN: a: the attribute is not known"},
	} {
		_, err := aixxml.Read(strings.NewReader(c.text), nil)
		if got := errorText(err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The largest file, and one byte more.
func TestFileSize(t *testing.T) {
	testpeer.Long(t)
	file := func(n int) string {
		const frame = "<AIX_VPN></AIX_VPN>"
		var b strings.Builder
		b.WriteString(frame)
		for b.Len()+aixxml.MaxTag <= n {
			b.WriteString("<!--" + strings.Repeat("a", aixxml.MaxTag-7) + "-->")
		}
		return b.String() + strings.Repeat(" ", n-b.Len())
	}
	for n, want := range map[int]string{aixxml.MaxFile: "", aixxml.MaxFile + 1: "line 1: the file is larger than 16777216 bytes"} {
		_, err := aixxml.Read(strings.NewReader(file(n)), nil)
		if got := errorText(err); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestEntities(t *testing.T) {
	got, err := aixxml.ParseEntities(strings.NewReader("<!-- names -->\n<!ENTITY a \"one\">\n<!ENTITY b-2 'two \"2\"' >\n"))
	if err != nil || len(got) != 2 || got["a"] != "one" || got["b-2"] != `two "2"` {
		t.Errorf("%v %v", got, err)
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("<!ENTITY e" + strings.Repeat("x", i%200) + strings.Repeat("y", i/200) + ` "v">`)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		text, want string
	}{
		"many":           {many(aixxml.MaxEntities), ""},
		"too many":       {many(aixxml.MaxEntities + 1), "line 1: ENTITY: there are more than 256 entities"},
		"long":           {`<!ENTITY a "` + strings.Repeat("v", aixxml.MaxEntity) + `">`, ""},
		"too long":       {`<!ENTITY a "` + strings.Repeat("v", aixxml.MaxEntity+1) + `">`, "line 1: ENTITY: a has 1025 bytes, more than 1024"},
		"too large":      {strings.Repeat(" ", 1<<20), "entities: the file is larger than 524288 bytes"},
		"bomb":           {"<!ENTITY a \"one\">\n<!ENTITY b \"&a;&a;\">", "line 2: ENTITY: b has one of < & %: entities are text, and do not refer to entities"},
		"fetch":          {`<!ENTITY a SYSTEM "file:///etc/passwd">`, "line 1: ENTITY: a is in another file: nothing is fetched"},
		"public":         {`<!ENTITY a PUBLIC "x" "http://192.0.2.1/">`, "line 1: ENTITY: a is in another file: nothing is fetched"},
		"twice":          {`<!ENTITY a "1"><!ENTITY a "2">`, "line 1: ENTITY: a stands there twice"},
		"parameter":      {`<!ENTITY % a "1">`, "line 1: ENTITY: a name is made of letters, digits and _ - ."},
		"no quotes":      {`<!ENTITY a 1>`, "line 1: ENTITY: the text of a is not in quotes"},
		"no end":         {`<!ENTITY a "1>`, "line 1: ENTITY: the text of a has no end"},
		"open":           {`<!ENTITY a "1"`, "line 1: ENTITY: behind the text of a there is no >"},
		"something else": {"\n\nhello", "line 3: ENTITY: no declaration of an entity"},
		"open comment":   {"<!-- a", "line 1: ENTITY: a comment without an end"},
	} {
		_, err := aixxml.ParseEntities(strings.NewReader(c.text))
		if got := errorText(err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestEncodings(t *testing.T) {
	const text = `<AIX_VPN><IKEGroup IKE_GroupName="b` + "\xfc" + `ro"><FQDN Value="a"/></IKEGroup></AIX_VPN>`
	d, err := aixxml.Read(strings.NewReader(`<?xml version="1.0" encoding="ISO-8859-1"?>`+text), nil)
	if err != nil || d.Groups[0].Name != "büro" {
		t.Errorf("%v", err)
	}
	for encoding, want := range map[string]string{
		"UTF-8": "line 1: no valid XML", "US-ASCII": "line 1: no valid XML", "UTF-16": "line 1: the encoding is not known",
	} {
		_, err := aixxml.Read(strings.NewReader(`<?xml version="1.0" encoding="`+encoding+`"?>`+text), nil)
		if got := errorText(err); got != want {
			t.Errorf("%s: %s, want %s", encoding, got, want)
		}
	}
}

// FuzzRead holds that what is read and valid is written, and read again as the
// same.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"*.xml", "refused/*.xml"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := aixxml.Read(bytes.NewReader(data), map[string]string{"shop": "198.51.100.7"})
		if err != nil {
			return
		}
		db, err := ikedb.New(d.Definitions)
		if err != nil {
			_ = d.Explain(err).Error()
			return
		}
		first := written(t, db.Definitions(), true)
		if second := written(t, checked(t, first, nil).Definitions(), true); first != second {
			t.Error(cmp.Diff(first, second))
		}
	})
}
