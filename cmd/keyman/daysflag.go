package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// A dayCount is a number of days on the command line: 30, or 30d as --within takes it.
type dayCount int

// String implements pflag.Value.
func (d *dayCount) String() string { return strconv.Itoa(int(*d)) }

// Set implements pflag.Value.
func (d *dayCount) Set(text string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	if err != nil {
		return err
	}
	*d = dayCount(n)
	return nil
}

// Type implements pflag.Value.
func (*dayCount) Type() string { return "int" }

// addDaysFlag adds a flag with a number of days.
func addDaysFlag(cmd *cobra.Command, days *int, name string, usual int, usage string) {
	*days = usual
	cmd.Flags().Var((*dayCount)(days), name, usage)
}
