package manpage

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the golden page anew")

// tree is a program with what is awkward in a page.
func tree() *cobra.Command {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "prog", Short: "A program"}
	root.PersistentFlags().Bool("json", false, "print JSON")
	sub := &cobra.Command{
		Use: "do-it FILE {ON | --off} [--to DB]...", Short: "Do it", Run: run,
		Long:    "First line with --to and a \\ in it,\n.second line begins with a dot.\n\nA list:\n\n  'one'  two\n    three\n\n'Last' paragraph.",
		Example: "  prog do-it a \\\n    --to b",
	}
	sub.Flags().StringP("to", "t", "x.db", "the other `file`, such as a-b")
	sub.Flags().Int("count", 0, "how often")
	sub.Flags().Bool("off", false, "not at all")
	sub.Flags().Bool("secret", false, "not shown")
	_ = sub.Flags().MarkHidden("secret")
	other := &cobra.Command{Use: "other", Short: "Another", Run: run}
	hidden := &cobra.Command{Use: "hidden", Short: "Not shown", Run: run, Hidden: true}
	root.AddCommand(sub, other, hidden)
	return root
}

func TestWrite(t *testing.T) {
	m := Manual{
		Exit:  []Term{{Name: "0", Text: "done"}},
		Files: []Term{{Name: "a.db", Text: "the database of --to", For: func(c *cobra.Command) bool { return c.Name() == "do-it" }}},
	}
	var got strings.Builder
	for _, cmd := range Commands(tree()) {
		got.WriteString("=== " + File(cmd) + "\n")
		if err := m.Write(&got, cmd); err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join("testdata", "pages.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
