package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// writerVariable makes this test binary a process that writes to a spool until it is killed.
const writerVariable = "SPOOL_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		if err := writeUntilKilled(dir, os.Getpid()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled says "kept TEXT" for every record that Append acknowledged and "got TEXT" for every record that it
// read, before it finishes the segment.
func writeUntilKilled(dir string, pid int) error {
	s, err := open(dir, Options{}, osDisk{}, small)
	if err != nil {
		return err
	}
	for a := range 4 {
		go func() {
			for i := 0; ; i++ {
				texts := []string{fmt.Sprintf("%d-%d-%d.0", pid, a, i), fmt.Sprintf("%d-%d-%d.1", pid, a, i)}
				if err := s.Append(context.Background(), records(texts...)...); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("kept %s\nkept %s\n", texts[0], texts[1])
			}
		}()
	}
	for {
		g, err := s.Next(context.Background())
		if err != nil {
			return err
		}
		var said strings.Builder
		for _, record := range g.Records() {
			fmt.Fprintf(&said, "got %s\n", record)
		}
		if g.Err() != nil {
			return g.Err()
		}
		fmt.Print(said.String())
		if err := g.Done(); err != nil {
			return err
		}
	}
}

func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	kept, got := map[string]bool{}, map[string]bool{}
	for round := range 8 {
		runAndKill(t, dir, 50+97*round%400, kept, got)
	}
	s := openAt(t, dir, Options{}, osDisk{}, small)
	for _, r := range drain(t, s) {
		got[r.text] = true
	}
	for text := range kept {
		if !got[text] {
			t.Errorf("acknowledged and lost: %s", text)
		}
	}
	if st := s.Stats(); st.Damaged > 0 {
		t.Errorf("stats %+v", st)
	}
	t.Logf("%d acknowledged, %d came out", len(kept), len(got))
}

// runAndKill lets a process write until it has said so many lines, and reads what it said until its death.
func runAndKill(t *testing.T, dir string, lines int, kept, got map[string]bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), writerVariable+"="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	scan := bufio.NewScanner(out)
	for n := 0; scan.Scan(); n++ {
		verb, text, _ := strings.Cut(scan.Text(), " ")
		switch verb {
		case "kept":
			kept[text] = true
		case "got":
			got[text] = true
		}
		if n < lines {
			continue
		}
		once.Do(func() {
			if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) {
				t.Errorf("beside the writer, Open says %v", err)
			}
			if err := c.Process.Kill(); err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v", err)
	}
}
