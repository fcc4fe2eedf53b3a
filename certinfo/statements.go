package certinfo

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/oids"
)

// The statements of ETSI EN 319 412-5, 4.2 and 4.3, that say more than that they
// are there.
const (
	statementLimit       = "0.4.0.1862.1.2"
	statementRetention   = "0.4.0.1862.1.3"
	statementDisclosure  = "0.4.0.1862.1.5"
	statementType        = "0.4.0.1862.1.6"
	statementLegislation = "0.4.0.1862.1.7"
)

// readStatements reads the statements of a qualified certificate (RFC 3739,
// 3.2.6). One whose value cannot be read is shown by its octets.
func readStatements(value []byte) ([]Value, error) {
	var statements cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&statements, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errValue
	}
	var list []Value
	for !statements.Empty() {
		var statement cryptobyte.String
		if !statements.ReadASN1(&statement, cbasn1.SEQUENCE) {
			return nil, errValue
		}
		oid, ok := der.ReadOID(&statement)
		if !ok {
			return nil, errValue
		}
		id := oid.String()
		v := Value{Text: oids.NameAndDigits(id)}
		if !statement.Empty() {
			details, ok := statementDetails(id, statement)
			if !ok {
				details = []string{anyText(statement)}
			}
			v.Details = details
		}
		list = append(list, v)
	}
	return list, nil
}

// statementDetails reads the value of a statement.
func statementDetails(id string, value cryptobyte.String) ([]string, bool) {
	if id == statementRetention {
		var years uint32
		ok := value.ReadASN1Integer(&years) && value.Empty()
		return []string{fmt.Sprintf("%d years", years)}, ok
	}
	var content cryptobyte.String
	if !value.ReadASN1(&content, cbasn1.SEQUENCE) || !value.Empty() {
		return nil, false
	}
	switch id {
	case statementLimit:
		return limitText(content)
	case statementDisclosure:
		return disclosures(content)
	case statementType, statementLegislation:
		var details []string
		for !content.Empty() {
			var (
				element cryptobyte.String
				tag     cbasn1.Tag
			)
			if !content.ReadAnyASN1Element(&element, &tag) {
				return nil, false
			}
			text := anyText(element)
			if tag == cbasn1.OBJECT_IDENTIFIER {
				text = oids.NameAndDigits(text)
			}
			details = append(details, text)
		}
		return details, true
	}
	return nil, false
}

// limitText reads a MonetaryValue: currency, amount and exponent of ten.
func limitText(content cryptobyte.String) ([]string, bool) {
	var (
		amount, exponent int32
		code             int32
		currency         string
	)
	if content.PeekASN1Tag(cbasn1.INTEGER) {
		if !content.ReadASN1Integer(&code) {
			return nil, false
		}
		currency = "currency " + strconv.Itoa(int(code))
	} else {
		var err error
		if currency, err = readText(&content); err != nil {
			return nil, false
		}
	}
	if !content.ReadASN1Integer(&amount) || !content.ReadASN1Integer(&exponent) || !content.Empty() {
		return nil, false
	}
	if exponent < 0 || exponent > 9 {
		return []string{fmt.Sprintf("%s %d times ten to the %d", currency, amount, exponent)}, true
	}
	return []string{fmt.Sprintf("%s %.0f", currency, float64(amount)*math.Pow10(int(exponent)))}, true
}

// disclosures reads places of statements with their languages.
func disclosures(content cryptobyte.String) ([]string, bool) {
	var details []string
	for !content.Empty() {
		var place cryptobyte.String
		if !content.ReadASN1(&place, cbasn1.SEQUENCE) {
			return nil, false
		}
		url, err := readText(&place)
		if err != nil {
			return nil, false
		}
		language, err := readText(&place)
		if err != nil || !place.Empty() {
			return nil, false
		}
		details = append(details, url+" ("+strings.ToLower(language)+")")
	}
	return details, true
}
