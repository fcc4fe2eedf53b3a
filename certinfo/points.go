package certinfo

import (
	"fmt"
	"strings"

	"keyman/internal/cert"
)

// reasonWords are ReasonFlags by their bits (RFC 5280, 4.2.1.13).
var reasonWords = [...]string{
	"unused", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
	"certificateHold", "privilegeWithdrawn", "aACompromise",
}

// readPoints reads RFC 5280, 4.2.1.13 and 4.2.1.15.
func readPoints(value []byte) ([]Value, error) {
	points, err := cert.ParseCRLDistributionPoints(value)
	if err != nil {
		return nil, err
	}
	list := make([]Value, len(points))
	for i, p := range points {
		var texts []string
		if p.Name != nil {
			texts = pointName(p.Name)
		}
		if p.Reasons != cert.AllReasons {
			texts = append(texts, "for the reasons "+reasons(p.Reasons))
		}
		for _, name := range p.CRLIssuer {
			texts = append(texts, "signed by "+generalName(name))
		}
		list[i] = Value{Text: texts[0], Details: texts[1:]} // ParseCRLDistributionPoints refuses an empty point
	}
	return list, nil
}

// pointName writes the names of a point, of which there is at least one.
func pointName(name *cert.PointName) []string {
	if name.Relative == nil {
		return namesText(name.Full)
	}
	// Below the empty name the relative one stands alone.
	relative, err := name.RelativeTo([]byte{0x30, 0})
	if err != nil {
		return []string{"relative to the issuer: " + hexText(name.Relative)}
	}
	return []string{"relative to the issuer: " + relative.String()}
}

// reasons writes a set of reasons.
func reasons(set cert.Reasons) string {
	var words []string
	for bit := range 16 {
		switch {
		case set&(1<<bit) == 0:
		case bit < len(reasonWords):
			words = append(words, reasonWords[bit])
		default:
			words = append(words, fmt.Sprintf("bit(%d)", bit))
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// locations lists the URIs of distribution points.
func locations(value []byte) []string {
	points, err := cert.ParseCRLDistributionPoints(value)
	if err != nil {
		return nil
	}
	var list []string
	for _, p := range points {
		if p.Name == nil {
			continue
		}
		for _, name := range p.Name.Full {
			if name.Kind == cert.URIName {
				list = append(list, generalNameValue(name))
			}
		}
	}
	return list
}
