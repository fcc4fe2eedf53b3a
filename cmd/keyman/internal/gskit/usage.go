package gskit

import (
	"fmt"
	"strings"
)

// usage lists objects and their actions.
func (s *session) usage(list []object) {
	fmt.Fprintf(s.Stdout, "keyman, called as %s\n\n-Command usage-\n\n", s.Name)
	for _, o := range list {
		for _, a := range o.actions {
			fmt.Fprintf(s.Stdout, "%-12s %s\n", o.name, a.name)
		}
	}
	fmt.Fprintf(s.Stdout, "%s\n%s\n\nThe options of an action: %s OBJECT ACTION -?\n", "-version", "-help", s.Name)
}

// options lists the options of an action.
func (s *session) options(a action) {
	fmt.Fprint(s.Stdout, "-Command usage-\n\n")
	if len(a.words) > 0 {
		fmt.Fprintf(s.Stdout, "%-21s Optional\n", strings.Join(a.words, " | "))
	}
	for _, name := range a.required {
		s.option(name, "Required")
	}
	for _, name := range a.optional {
		s.option(name, "Optional")
	}
}

func (s *session) option(name, need string) {
	if list, ok := choices[name]; ok {
		need += " <" + strings.Join(list, " | ") + ">"
	}
	fmt.Fprintf(s.Stdout, "-%-20s %s\n", name, need)
}
