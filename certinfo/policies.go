package certinfo

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/oids"
)

// readPolicies reads RFC 5280, 4.2.1.4. A qualifier that cannot be read is shown
// as such, and hides no policy.
func readPolicies(value []byte) ([]Value, error) {
	policies, err := cert.ParsePolicies(value)
	if err != nil {
		return nil, err
	}
	list := make([]Value, len(policies))
	for i, p := range policies {
		list[i].Text = policyText(p.ID)
		if p.Qualifiers == nil {
			continue
		}
		qualifiers, err := cert.ParseQualifiers(p.Qualifiers)
		if err != nil {
			list[i].Details = []string{"qualifiers that cannot be read: " + hexText(p.Qualifiers)}
			continue
		}
		for _, q := range qualifiers {
			list[i].Details = append(list[i].Details, qualifierText(q)...)
		}
	}
	return list, nil
}

// policyText names a policy: those that RFC 5280, the CA/Browser Forum and ETSI
// name, and Microsoft's application policies, which are purposes.
func policyText(id cert.OID) string {
	dotted := id.String()
	if text := oids.NameAndDigits(dotted); text != dotted {
		return text
	}
	return oids.PurposeWord(dotted)
}

// qualifierText writes a qualifier (RFC 5280, 4.2.1.4).
func qualifierText(q cert.Qualifier) []string {
	switch q.ID {
	case cert.OIDQualifierCPS:
		if text, err := wholeText(q.Value); err == nil {
			return []string{"CPS: " + text}
		}
		return []string{"CPS that cannot be read: " + hexText(q.Value)}
	case cert.OIDQualifierNotice:
		if texts, err := noticeText(q.Value); err == nil {
			return texts
		}
		return []string{"notice that cannot be read: " + hexText(q.Value)}
	}
	return []string{"qualifier " + q.ID.String() + ": " + anyText(q.Value)}
}

// noticeText reads a UserNotice.
func noticeText(value cryptobyte.String) ([]string, error) {
	var content cryptobyte.String
	if !value.ReadASN1(&content, cbasn1.SEQUENCE) || !value.Empty() {
		return nil, errValue
	}
	var texts []string
	if content.PeekASN1Tag(cbasn1.SEQUENCE) { // NoticeReference
		var reference, numbers cryptobyte.String
		if !content.ReadASN1(&reference, cbasn1.SEQUENCE) {
			return nil, errValue
		}
		organization, err := readText(&reference)
		if err != nil || !reference.ReadASN1(&numbers, cbasn1.SEQUENCE) || !reference.Empty() {
			return nil, errValue
		}
		var list []string
		for !numbers.Empty() {
			var number cryptobyte.String
			if !numbers.ReadASN1(&number, cbasn1.INTEGER) {
				return nil, errValue
			}
			list = append(list, numberText(number))
		}
		texts = append(texts, fmt.Sprintf("notice %s of %s", strings.Join(list, ", "), organization))
	}
	if !content.Empty() {
		text, err := readText(&content)
		if err != nil || !content.Empty() {
			return nil, errValue
		}
		texts = append(texts, "notice: "+text)
	}
	if texts == nil {
		return []string{"notice without words"}, nil
	}
	return texts, nil
}

// readPolicyMappings reads RFC 5280, 4.2.1.5.
func readPolicyMappings(value []byte) ([]Value, error) {
	mappings, err := cert.ParsePolicyMappings(value)
	if err != nil {
		return nil, err
	}
	list := make([]Value, len(mappings))
	for i, m := range mappings {
		list[i].Text = fmt.Sprintf("%s of the issuer is %s of the subject", policyText(m.Issuer), policyText(m.Subject))
	}
	return list, nil
}

// readPolicyConstraints reads RFC 5280, 4.2.1.11.
func readPolicyConstraints(value []byte) ([]Value, error) {
	c, err := cert.ParsePolicyConstraints(value)
	if err != nil {
		return nil, err
	}
	var list []Value
	if n := c.RequireExplicit; n != nil {
		list = append(list, Value{Text: "a policy is demanded after " + more(*n)})
	}
	if n := c.InhibitMapping; n != nil {
		list = append(list, Value{Text: "policies are not mapped after " + more(*n)})
	}
	return list, nil
}

// readInhibitAnyPolicy reads RFC 5280, 4.2.1.14.
func readInhibitAnyPolicy(value []byte) ([]Value, error) {
	n, err := cert.ParseInhibitAnyPolicy(value)
	if err != nil {
		return nil, err
	}
	return values("anyPolicy means nothing after " + more(n)), nil
}

// more counts certificates further down a path.
func more(n int) string {
	if n == 1 {
		return "1 more certificate"
	}
	return fmt.Sprintf("%d more certificates", n)
}
