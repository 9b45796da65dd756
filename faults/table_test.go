package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fault is one line of the table: what was broken, how often, and what was left.
type fault struct {
	*rand.Rand
	name                 string
	runs                 int
	acked, lost, doubled int
	cents                int64 // off, over all currencies, in minor units
	returned             int   // refused, and counted all the same
	back                 []time.Duration
	note                 string // what "back" is, and other figures
}

// table is the lines so far.
var table struct {
	sync.Mutex // guards what follows
	faults     []*fault
	peers      []peerRow
}

// newFault begins a line. It is complete when the test ends.
func newFault(t *testing.T, name string) *fault {
	if !*full {
		t.Parallel() // most of the time goes by waiting
	}
	f := &fault{Rand: dice(t.Name()), name: name}
	table.Lock()
	table.faults = append(table.faults, f)
	table.Unlock()
	t.Cleanup(func() { t.Log(strings.Join(f.cells(), " | ")) })
	return f
}

// recovered adds a time from the end of the fault until things worked again.
func (f *fault) recovered(d time.Duration) { f.back = append(f.back, d) }

// within checks a time against what is promised. Only the full run has the machine for itself.
func within(t testing.TB, what string, took, most time.Duration) {
	t.Helper()
	if *full && took > most {
		t.Errorf("%s took %v, want %v at most", what, took.Round(time.Millisecond), most)
	}
}

var faultHead = []string{"fault", "runs", "acknowledged", "lost", "doubled", "cents off", "refused, yet counted", "recovery p50 / max", "remarks"}

func (f *fault) cells() []string {
	return []string{f.name, fmt.Sprint(f.runs), thousands(f.acked), fmt.Sprint(f.lost), fmt.Sprint(f.doubled), fmt.Sprint(f.cents),
		fmt.Sprint(f.returned), spread(f.back), f.note}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// spread is the median and the maximum.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "–"
	}
	slices.Sort(all)
	return seconds(all[len(all)/2]) + " / " + seconds(all[len(all)-1])
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// sum is the table's last line.
func sum(faults []*fault) *fault {
	s := &fault{name: "all"}
	for _, f := range faults {
		s.runs += f.runs
		s.acked += f.acked
		s.lost += f.lost
		s.doubled += f.doubled
		s.cents += f.cents
		s.returned += f.returned
	}
	return s
}

// markdown draws a table.
func markdown(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	line(strings.Split(strings.Repeat("-,", len(head)-1)+"-", ","))
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// report prints what was found and, when it is asked to, writes it into docs/reliability.md.
func report() error {
	table.Lock()
	defer table.Unlock()
	var rows [][]string
	for _, f := range append(table.faults, sum(table.faults)) {
		rows = append(rows, f.cells())
	}
	if *full && len(table.faults) > 0 {
		fmt.Println(markdown(faultHead, rows))
	}
	if *write && len(table.faults) > 0 {
		figures, err := reached(table.faults)
		text := machine() + "\n" + figures + "\n\n" + markdown(faultHead, rows)
		if err := errors.Join(err, writeBetween("faults", text)); err != nil {
			return err
		}
	}
	if len(table.peers) == 0 {
		return nil
	}
	text := markdown(peerHead, peerCells(table.peers))
	fmt.Println(text)
	if *write {
		return writeBetween("peers", machine()+"\n"+text)
	}
	return nil
}

// reached says in one sentence how much the whole run proves, and fails when that is less than it is meant to.
func reached(faults []*fault) (text string, err error) {
	var parts []string
	for _, goal := range []struct {
		name, plural string
		least        int
	}{{"power cut", "power cuts", 200}, {"kill -9", "kills", 300}, {"cut inserts", "cut inserts", 1000}} {
		runs := 0
		for _, f := range faults {
			if strings.HasPrefix(f.name, goal.name) {
				runs += f.runs
			}
		}
		parts = append(parts, thousands(runs)+" "+goal.plural)
		if runs < goal.least {
			err = errors.Join(err, fmt.Errorf("%d %s, want %d", runs, goal.plural, goal.least))
		}
	}
	all := sum(faults)
	if all.acked < 1_000_000 {
		err = errors.Join(err, fmt.Errorf("%d events, want a million", all.acked))
	}
	parts = append(parts, fmt.Sprintf("%s acknowledged events: %d lost, %d doubled, %d cents off.",
		thousands(all.acked), all.lost, all.doubled, all.cents))
	return strings.Join(parts, ", "), err
}

const document = "../docs/reliability.md"

// writeBetween replaces what stands between two markers of the document.
func writeBetween(name, text string) error {
	old, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no place for %s", document, name)
	}
	return os.WriteFile(document, []byte(before+begin+text+end+after), 0o644)
}

// machine says when and where the figures were measured.
func machine() string {
	var name unix.Utsname
	_ = unix.Uname(&name)
	return fmt.Sprintf("%s, commit %s, seed %d: Linux %s, %d × %s, %s, %s.\n",
		time.Now().UTC().Format("2006-01-02"), commit(), *seed, unix.ByteSliceToString(name.Release[:]), runtime.NumCPU(), cpu(),
		diskOf(os.TempDir()), runtime.Version())
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpu() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(line, "model name"); found {
			return strings.Trim(name, "\t :\n")
		}
	}
	return runtime.GOARCH
}

// diskOf names the device and file system of a path.
func diskOf(path string) string {
	out, err := exec.Command("df", "--output=source,fstype", path).Output()
	if err != nil {
		return "unknown disk"
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return "disk " + strings.Join(strings.Fields(lines[len(lines)-1]), " ")
}
