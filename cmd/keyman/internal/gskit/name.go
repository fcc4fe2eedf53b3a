package gskit

import "strings"

// stateWord writes the attribute type S of a name as ST. IBM's tools mean the state
// by it; keyman itself refuses it, because strongSwan means a surname.
func stateWord(name string) string {
	var b strings.Builder
	begin, quoted := true, false // where a type may begin, inside of quotation marks
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '\\' && i+1 < len(name):
			b.WriteByte(c)
			i++
			c, begin = name[i], false
		case c == '"':
			quoted, begin = !quoted, false
		case quoted:
		case c == ',' || c == ';' || c == '+' || c == '/':
			begin = true
		case c == ' ':
		case begin && (c == 's' || c == 'S') && strings.HasPrefix(strings.TrimLeft(name[i+1:], " "), "="):
			b.WriteString("ST")
			begin = false
			continue
		default:
			begin = false
		}
		b.WriteByte(c)
	}
	return b.String()
}
