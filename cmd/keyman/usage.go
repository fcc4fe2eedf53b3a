package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageErrors makes a command and all below it say in words of their own, and
// as usage (exit code 2), what is wrong with a command line. A command that only
// groups others refuses to run by itself: cobra would print its help and call
// that success.
func usageErrors(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.Args = cobra.NoArgs
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return nothingToDo(cmd) }
	}
	count := cmd.Args
	if count == nil {
		count = cobra.ArbitraryArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := count(cmd, args); err != nil {
			return wrongArguments(cmd, args, count)
		}
		return missingFlags(cmd)
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// nothingToDo says that a command needs one of those below it.
func nothingToDo(cmd *cobra.Command) error {
	return usagef("what shall be done? Say one of: %s", subcommands(cmd))
}

// noCommand says that a command has none of that name below it.
func noCommand(cmd *cobra.Command, name string) error {
	what := cmd.CommandPath() + " " + name
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); name != "" && len(near) > 0 {
		return usagef("there is no command %q; did you mean %s?", what, strings.Join(near, " or "))
	}
	return usagef("there is no command %q. Say one of: %s", what, subcommands(cmd))
}

// subcommands lists what a command groups.
func subcommands(cmd *cobra.Command) string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return strings.Join(names, ", ")
}

// maxMissing is how many arguments a command may lack to be told which.
const maxMissing = 4

// wrongArguments says which argument is missing, or one too many. count is what
// refuses them by their number.
func wrongArguments(cmd *cobra.Command, args []string, count cobra.PositionalArgs) error {
	more := slices.Clone(args)
	for range maxMissing {
		more = append(more, "")
		if count(cmd, more) == nil {
			what := "an argument"
			if names := arguments(cmd.Use); len(args) < len(names) {
				what = names[len(args)]
			}
			return usagef("%s is missing: %s", what, cmd.UseLine())
		}
	}
	if cmd.HasSubCommands() {
		return noCommand(cmd, args[0])
	}
	taken := len(args) - 1
	for taken > 0 && count(cmd, args[:taken]) != nil {
		taken--
	}
	return usagef("%q is an argument too many: %s", args[taken], cmd.UseLine())
}

// useParts are the parts of a line of use: what stands in braces or brackets,
// and single words. It is compiled when a mistake asks for it, and not at every start.
var useParts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{[^}]*\}|\[[^]]*\](\.\.\.)?|\S+`)
})

// arguments returns how a command calls its arguments, in their order, as its
// line of use says: "revoke NAME {SERIAL | --cert FILE}" has NAME, and SERIAL or
// --cert FILE.
func arguments(use string) []string {
	parts := useParts().FindAllString(use, -1)
	var names []string
	for i := 1; i < len(parts); i++ {
		part := parts[i]
		switch {
		case part == "|": // another way to call it
			return names
		case strings.HasPrefix(part, "--"): // a flag, and its value
			i++
		case strings.HasPrefix(part, "[--"):
		default:
			names = append(names, strings.ReplaceAll(strings.Trim(part, "{}[]."), " | ", " or "))
		}
	}
	return names
}

// missingFlags says which flags are missing or cannot stand together.
func missingFlags(cmd *cobra.Command) error {
	var missing []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(f.Annotations[cobra.BashCompOneRequiredFlag], "true") && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	switch len(missing) {
	case 0:
	case 1:
		return usagef("%s is missing: %s", missing[0], cmd.UseLine())
	default:
		return usagef("%s are missing: %s", strings.Join(missing, " and "), cmd.UseLine())
	}
	if err := cmd.ValidateFlagGroups(); err != nil {
		return usageError{flagGroup(err)}
	}
	return nil
}

// inBrackets are the flags that cobra names in an error about a group.
var inBrackets = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[([^]]+)\]`) })

// flagGroup rewrites cobra's error about a group of flags, for which there is
// no type. One that is not known stays as it is.
func flagGroup(err error) error {
	text := err.Error()
	lists := inBrackets().FindAllStringSubmatch(text, -1)
	if len(lists) == 0 {
		return err
	}
	flags := strings.Fields(lists[len(lists)-1][1])
	for i := range flags {
		flags[i] = "--" + flags[i]
	}
	switch {
	case strings.HasPrefix(text, "at least one of the flags"):
		return fmt.Errorf("one of %s is missing", strings.Join(flags, ", "))
	case strings.HasSuffix(text, "were all set"):
		return fmt.Errorf("%s cannot be given together", strings.Join(flags, " and "))
	default:
		return err
	}
}

// wrongFlag says what is wrong with a flag. Behind a command that there is not,
// that command is what is wrong: no flag could be right.
func wrongFlag(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		lacking *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		if letters := unknown.GetSpecifiedShortnames(); letters != "" {
			return noFlag(cmd, "-"+letters, nil)
		}
		return noFlag(cmd, "--"+unknown.GetSpecifiedName(), longerFlags(cmd, unknown.GetSpecifiedName()))
	case errors.As(err, &lacking):
		return usagef("--%s lacks its value", lacking.GetFlag().Name)
	case errors.As(err, &invalid):
		return wrongValue(invalid)
	default:
		return usageError{err}
	}
}

// noFlag says that a command has no flag of that name, and which may be meant.
func noFlag(cmd *cobra.Command, flag string, near []string) error {
	if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 {
		return noCommand(cmd, cmd.Flags().Arg(0))
	}
	if len(near) > 0 {
		return usagef("there is no flag %s; did you mean %s?", flag, strings.Join(near, " or "))
	}
	return usagef("there is no flag %s", flag)
}

// longerFlags returns the flags of a command that begin with this word and a
// hyphen: --password has --password-env and --password-file.
func longerFlags(cmd *cobra.Command, word string) []string {
	var flags []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && word != "" && strings.HasPrefix(f.Name, word+"-") {
			flags = append(flags, "--"+f.Name)
		}
	})
	return flags
}

// wrongValue says what is wrong with the value of a flag. The packages that read
// numbers and lengths of time speak to programmers.
func wrongValue(err *pflag.InvalidValueError) error {
	name, value := err.GetFlag().Name, err.GetValue()
	number, isNumber := errors.AsType[*strconv.NumError](err)
	switch kind := err.GetFlag().Value.Type(); {
	case kind == "bool":
		return usagef("--%s=%s: it is either true or false", name, value)
	case kind == "duration":
		return usagef("--%s %q is no length of time: write one like 10s or 1m30s", name, value)
	case isNumber && errors.Is(number, strconv.ErrRange):
		return usagef("--%s %q is out of range", name, value)
	case isNumber:
		return usagef("--%s %q is not a whole number", name, value)
	default:
		return usagef("--%s %q: %w", name, value, errors.Unwrap(err))
	}
}

// newHelpCommand is "keyman help", which refuses what there is no help for.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Show the help of a command",
		Example: `  keyman help
  keyman help cert receive`,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if len(rest) > 0 {
				return noCommand(about, rest[0])
			}
			return about.Help()
		},
	}
}

// helpForNothing is the error of a command line that asks with --help about a
// command that there is not, or nil. cobra would show the help of the command
// above it.
func helpForNothing(cmd *cobra.Command) error {
	if help := cmd.Flags().Lookup("help"); help == nil || !help.Changed || !cmd.HasSubCommands() || cmd.Flags().NArg() == 0 {
		return nil
	}
	return noCommand(cmd, cmd.Flags().Arg(0))
}
