package certinfo

import (
	"fmt"
	"io"
	"strings"

	"keyman/internal/cells"
	"keyman/internal/escape"
)

// Style says how text is written.
type Style struct {
	// Width is that of the screen in columns; longer lines are wrapped. Zero
	// is for files and pipes, where a line stays a line.
	Width int
	// Color marks what is good and what is not. The words say it, too.
	Color bool
}

// The colours of what is good, what asks for attention, and what is not good, as SGR parameters of ECMA-48.
const (
	Green  = "32"
	Yellow = "33"
	Red    = "31"
)

// barWidth is the length of the bar of a validity.
const barWidth = 20

// labelWidth is the room of the labels, and indent that of nested lines.
const (
	labelWidth = 15
	indent     = 2
)

// Write writes the certificate as text, in groups: who and how long, the
// extensions, the fingerprints.
func (i Info) Write(w io.Writer, s Style) {
	p := page{w, s}
	p.field("subject", i.Subject)
	p.field("issuer", i.Issuer)
	p.field("serial", i.Serial)
	p.dates(i)
	p.field("key", i.Key)
	p.field("key id", i.KeyID)
	p.field("signed with", i.Signature)
	p.warning("weak", i.Weak)
	if i.Version != 3 {
		p.field("version", fmt.Sprint(i.Version))
	}
	p.warning("flaws", i.Flaws)
	p.extensions(i.Extensions)
	fmt.Fprintln(w, "\nfingerprints:")
	p.fingerprint("SHA-256", i.SHA256)
	p.fingerprint("SHA-1", i.SHA1)
	p.fingerprint("key SHA-256", i.PublicKey)
}

// Write writes the request as text.
func (r RequestInfo) Write(w io.Writer, s Style) {
	p := page{w, s}
	p.field("subject", r.Subject)
	p.field("key", r.Key)
	p.field("signed with", r.Signature)
	if r.Unverified != "" {
		p.warning("not verified", []string{r.Unverified})
	}
	p.warning("weak", r.Weak)
	if r.ChallengePassword {
		p.field("challenge", "there is a challenge password")
	}
	p.field("attributes", strings.Join(r.Attributes, ", "))
	p.extensions(r.Extensions)
	fmt.Fprintln(w, "\nfingerprints:")
	p.fingerprint("key SHA-256", r.PublicKey)
}

// A page is what is written on.
type page struct {
	io.Writer
	Style
}

// colored marks text with a colour where there are colours.
func (p page) colored(color, text string) string {
	if !p.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// field writes a label and a text of others, or nothing for "".
func (p page) field(label, text string) {
	if text != "" {
		p.lines(cells.Pad(label+":", labelWidth), escape.Printable(text))
	}
}

// lines writes text behind a label, wrapped on a screen.
func (p page) lines(label, text string) {
	lines := []string{text}
	if p.Width > 0 {
		lines = cells.Wrap(text, p.Width-1-cells.Width(label))
	}
	for _, line := range lines {
		fmt.Fprintln(p, strings.TrimRight(label+line, " "))
		label = strings.Repeat(" ", cells.Width(label))
	}
}

// warning writes words that must not be overlooked.
func (p page) warning(label string, words []string) {
	if len(words) == 0 {
		return
	}
	text := escape.Printable(strings.Join(words, ", "))
	if p.Width > 0 && labelWidth+len(text) >= p.Width {
		p.lines(cells.Pad(label+":", labelWidth), text)
		return
	}
	fmt.Fprintln(p, cells.Pad(label+":", labelWidth)+p.colored(Yellow, text))
}

// dates writes the validity.
func (p page) dates(i Info) {
	for _, d := range []struct {
		label string
		known bool
		text  string
	}{
		{"valid from", !i.NotBefore.IsZero(), timeText(i.NotBefore)},
		{"valid until", !i.NotAfter.IsZero(), timeText(i.NotAfter)},
	} {
		if !d.known {
			d.text = "a date that cannot be read"
		}
		p.field(d.label, d.text)
	}
	v := i.validity
	words := v.String()
	color := Green
	switch v.State() {
	case Good, EndsSoon:
		words = fmt.Sprintf("%d %% used, %s", v.UsedPercent(), words)
		if v.State() == EndsSoon {
			color = Yellow
		}
	case NotYet, UnknownDate:
		color = Yellow
	case Expired:
		color = Red
	}
	bar := ""
	if v.known() {
		bar = v.Bar(barWidth) + " "
	}
	fmt.Fprintln(p, cells.Pad("validity:", labelWidth)+p.colored(color, bar+words))
}

// extensions writes the extensions, the values below the names.
func (p page) extensions(list []Extension) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(p, "\nextensions:")
	below, further := strings.Repeat(" ", 2*indent), strings.Repeat(" ", 3*indent)
	for _, e := range list {
		name := e.Name
		if name == "" {
			name = e.OID + " (not known here)"
		}
		if e.Critical {
			name += " (critical)"
		}
		p.lines(strings.Repeat(" ", indent), name)
		for _, v := range e.Values {
			p.lines(below, escape.Printable(v.Text))
			for _, detail := range v.Details {
				p.lines(further, escape.Printable(detail))
			}
		}
		if e.Error != "" {
			p.lines(below, escape.Printable(e.Error))
		}
		if len(e.Values) == 0 {
			p.lines(below, octetsText(e))
		}
	}
}

// octetsText shows the beginning of a value that is not told in words.
func octetsText(e Extension) string {
	switch {
	case e.Length == 0:
		return "no octets"
	case e.Length > maxHex:
		return fmt.Sprintf("%d octets: %s...", e.Length, e.Hex)
	default:
		return fmt.Sprintf("%d octets: %s", e.Length, e.Hex)
	}
}

// fingerprint writes octets with colons; on a screen in lines of 16 where they do
// not fit.
func (p page) fingerprint(label, text string) {
	label = strings.Repeat(" ", indent) + cells.Pad(label+":", labelWidth-indent)
	const half = 16 * len("AA:")
	if p.Width > 0 && len(label)+len(text) >= p.Width {
		for ; len(text) > half; text = text[half:] {
			fmt.Fprintln(p, label+text[:half])
			label = strings.Repeat(" ", len(label))
		}
	}
	fmt.Fprintln(p, label+text)
}
