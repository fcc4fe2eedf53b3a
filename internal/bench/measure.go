package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// measure runs a command and prints what it cost.
func measure(w io.Writer, args []string) error {
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	runs := flags.Int("runs", 10, "how many `runs`")
	each := flags.Int("each", 1, "how `many` times a run does what is measured")
	limit := flags.Duration("limit", 10*time.Minute, "how `long` a run may take")
	name := flags.String("name", "", "what is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || *runs < 1 || *each < 1 {
		return errors.New("measure: no command, or no runs")
	}
	var wall, cpu []time.Duration
	var memory []int64
	for range *runs {
		var complaints strings.Builder
		ctx, cancel := context.WithTimeout(context.Background(), *limit)
		cmd := exec.CommandContext(ctx, flags.Arg(0), flags.Args()[1:]...)
		cmd.Stderr = &complaints
		start := time.Now()
		err := cmd.Run()
		late := ctx.Err() != nil
		cancel()
		switch {
		case late:
			_, err := fmt.Fprintf(w, "%-52s not done in %v\n", *name, *limit)
			return err
		case err != nil:
			return fmt.Errorf("%s: %w\n%s", *name, err, complaints.String())
		}
		wall = append(wall, time.Since(start)/time.Duration(*each))
		cpu = append(cpu, (cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())/time.Duration(*each))
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return errors.New("this system does not account for memory")
		}
		memory = append(memory, usage.Maxrss) // kB on Linux
	}
	_, err := fmt.Fprintf(w, "%-52s %7.1f ms wall %7.1f ms CPU %6.1f MB peak (median of %d)\n",
		*name, milliseconds(median(wall)), milliseconds(median(cpu)), float64(median(memory))/1024, *runs)
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median[T time.Duration | int64](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}
