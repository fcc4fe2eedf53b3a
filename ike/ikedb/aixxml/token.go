package aixxml

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"keyman/ike/ikedb"
)

// The limits of a file.
const (
	// MaxFile is the largest file, in bytes.
	MaxFile = ikedb.MaxFile
	// MaxTag is the longest tag, comment or text between tags, in bytes.
	MaxTag = 64 << 10
	// MaxDepth is how deep elements stand in each other; five levels have a
	// meaning.
	MaxDepth = 8
	// MaxElements is how many elements one definition has.
	MaxElements = 4096
	// MaxValue is the longest value of an attribute, in bytes, with its
	// entities replaced.
	MaxValue = 16 << 10
)

// root is the element around all definitions.
const root = "AIX_VPN"

// errTag and errFile are what the reader's limits give; they do not leave this
// package.
var (
	errTag  = fmt.Errorf("a tag, a comment or text of more than %d bytes", MaxTag)
	errFile = fmt.Errorf("the file is larger than %d bytes", MaxFile)
)

// A bounded gives the decoder its bytes one by one, so that it reads no further
// than the token that is asked for, and ends a token or a file that is too long.
type bounded struct {
	from  *bufio.Reader
	token int // bytes left of this token
	file  int // bytes left of the file
}

// ReadByte implements io.ByteReader.
func (b *bounded) ReadByte() (byte, error) {
	switch {
	case b.file == 0:
		if _, err := b.from.ReadByte(); err != nil {
			return 0, err
		}
		return 0, errFile
	case b.token == 0:
		return 0, errTag
	}
	b.token--
	b.file--
	return b.from.ReadByte()
}

// Read implements io.Reader, which the decoder asks for and does not use.
func (b *bounded) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// A latin1 gives a decoder ISO 8859-1 as UTF-8.
type latin1 struct {
	from io.ByteReader
	rest []byte
}

// ReadByte implements io.ByteReader.
func (l *latin1) ReadByte() (byte, error) {
	if len(l.rest) == 0 {
		c, err := l.from.ReadByte()
		if err != nil {
			return 0, err
		}
		l.rest = utf8.AppendRune(l.rest, rune(c))
	}
	c := l.rest[0]
	l.rest = l.rest[1:]
	return c, nil
}

// Read implements io.Reader.
func (l *latin1) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := l.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// An element is a definition or a part of one.
type element struct {
	name     string
	line     int
	attrs    []xml.Attr
	children []*element
	// label is the element's name with that of the definition, for errors.
	label string
}

// errorf makes the error of an element.
func (e *element) errorf(attribute, fix, format string, args ...any) *Error {
	return &Error{Line: e.line, Element: e.label, Attribute: attribute, Text: fmt.Sprintf(format, args...), Fix: fix}
}

// A scanner reads a file definition by definition.
type scanner struct {
	decoder *xml.Decoder
	input   *bounded
	line    int // where the token that was read last begins
}

func newScanner(r io.Reader, entities map[string]string) *scanner {
	s := &scanner{input: &bounded{from: bufio.NewReader(r), file: MaxFile}}
	s.decoder = xml.NewDecoder(s.input)
	s.decoder.Entity = entities
	s.decoder.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		switch strings.ToLower(charset) {
		case "us-ascii", "ascii":
			return input, nil
		case "iso-8859-1", "iso8859-1", "latin1":
			return &latin1{from: s.input}, nil
		}
		return nil, fmt.Errorf("the encoding %q is not known: use UTF-8", charset)
	}
	return s
}

// token returns the next tag, or io.EOF. Comments and blanks are skipped; text
// and document types that would declare something are refused.
func (s *scanner) token() (xml.Token, error) {
	for {
		s.input.token = MaxTag
		s.line, _ = s.decoder.InputPos()
		token, err := s.decoder.Token()
		if err != nil {
			return nil, s.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement, xml.EndElement:
			return token, nil
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); text != "" {
				return nil, &Error{Line: s.line, Text: "there is text between the elements, where nothing but elements belongs", Fix: "put it into <!-- -->, or leave it out"}
			}
		case xml.Directive:
			if err := s.directive(string(t)); err != nil {
				return nil, err
			}
		}
	}
}

// directive skips a document type with an address, which nobody fetches.
func (s *scanner) directive(text string) error {
	if strings.HasPrefix(text, "DOCTYPE") && !strings.Contains(text, "[") {
		return nil
	}
	return &Error{Line: s.line, Text: "declarations inside the file are not taken: not in a document type, and not alone",
		Fix: "write entities into a file of their own and give it with -e (--entities)"}
}

// broken turns an error of the decoder into ours. What it quotes may be part of
// a secret, so its words are not used.
func (s *scanner) broken(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return io.EOF
	case errors.Is(err, errTag), errors.Is(err, errFile):
		return &Error{Line: s.line, Text: err.Error(), Fix: "split it"}
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "entity"):
		return &Error{Line: syntax.Line, Text: "an entity that is not known, or a bare &",
			Fix: "write &amp; for &, and give other entities with -e (--entities)"}
	case errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return &Error{Line: syntax.Line, Text: "the file ends within an element", Fix: "see whether it was cut off"}
	case errors.As(err, &syntax):
		return &Error{Line: syntax.Line, Text: "no valid XML", Fix: "look for a missing quote, < or > in this line or the one before"}
	case strings.HasPrefix(err.Error(), "xml: opening charset"):
		return &Error{Line: s.line, Text: "the encoding is not known", Fix: "use UTF-8, ISO-8859-1 or US-ASCII"}
	}
	return err
}

// start checks that the file begins with the root.
func (s *scanner) start() error {
	token, err := s.token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return &Error{Line: 1, Text: "there is no " + root + " element", Fix: "see keyman ikedb dtd"}
		}
		return err
	}
	tag, ok := token.(xml.StartElement)
	if !ok || tag.Name.Local != root || tag.Name.Space != "" {
		return &Error{Line: s.line, Element: tagName(token), Text: "the outermost element is not " + root, Fix: "see keyman ikedb dtd"}
	}
	e := &element{name: root, label: root, line: s.line, attrs: tag.Attr}
	a := newAttributes(e)
	a.text("Version")
	return a.done()
}

// tagName names the element of a tag.
func tagName(token xml.Token) string {
	if tag, ok := token.(xml.StartElement); ok {
		return nameText(tag.Name)
	}
	return ""
}

func nameText(name xml.Name) string {
	if name.Space != "" {
		return fmt.Sprintf("%q", name.Space+":"+name.Local)
	}
	return name.Local
}

// next returns the next definition as a whole, or nil behind the last one.
func (s *scanner) next() (*element, error) {
	token, err := s.token()
	if err != nil {
		return nil, ended(err, s.line)
	}
	tag, ok := token.(xml.StartElement)
	if !ok {
		// The root ends; nothing may stand behind it.
		if _, err := s.token(); !errors.Is(err, io.EOF) {
			if err == nil {
				err = &Error{Line: s.line, Text: "an element stands behind the end of " + root, Fix: "move it before the end"}
			}
			return nil, err
		}
		return nil, nil
	}
	count := MaxElements
	return s.element(tag, 2, &count)
}

// ended makes an end of the file within an element an error.
func ended(err error, line int) error {
	if errors.Is(err, io.EOF) {
		return &Error{Line: line, Text: "the file ends within an element", Fix: "see whether it was cut off"}
	}
	return err
}

// element reads the rest of an element that stands so deep. count is how many
// more the definition may have.
func (s *scanner) element(tag xml.StartElement, depth int, count *int) (*element, error) {
	e := &element{name: nameText(tag.Name), line: s.line, attrs: tag.Attr}
	e.label = e.name
	*count--
	switch {
	case depth > MaxDepth:
		return nil, e.errorf("", "see keyman ikedb dtd", "elements stand more than %d deep in each other", MaxDepth)
	case *count < 0:
		return nil, e.errorf("", "split it", "a definition has more than %d elements", MaxElements)
	}
	for {
		token, err := s.token()
		if err != nil {
			return nil, ended(err, s.line)
		}
		child, ok := token.(xml.StartElement)
		if !ok {
			return e, nil
		}
		c, err := s.element(child, depth+1, count)
		if err != nil {
			return nil, err
		}
		e.children = append(e.children, c)
	}
}
