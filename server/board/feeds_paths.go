package board

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"warroom/views"
)

const pathsWindow = time.Hour

// paths lays the paths of each source side by side.
func (d feedDesk) paths() Panel {
	p := d.panel("feeds.paths", 0)
	p.Kinds = nil // every batch would ask again: its own pace is enough
	p.Window = pathsWindow
	p.Params = func(m Moment) map[string]string {
		s := pathSteps(m)
		return map[string]string{
			"at": engineTime(m.At), "from": engineTime(s.from), "step": strconv.Itoa(int(s.each.Seconds())),
		}
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		sources, err := readPaths(rows, pathSteps(m))
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: sources, Fragment: views.PathsPanel(d.pathTable(p, m, sources))}, nil
	}
	return p
}

// pathSteps are the steps of a window: minutes, as long as somebody can read them one by one.
func pathSteps(m Moment) steps {
	each := time.Minute
	switch {
	case m.Window > 8*time.Hour:
		each = 15 * time.Minute
	case m.Window > 2*time.Hour:
		each = 5 * time.Minute
	}
	return lastSteps(m.At.Truncate(each).Add(each), m.Window, each)
}

// pathSource is a source with several paths as the API gives it.
type pathSource struct {
	Source      string     `json:"source"`
	Paths       []string   `json:"paths"` // seen in the week before
	From        time.Time  `json:"from"`
	StepSeconds int        `json:"step_seconds"`
	Total       pathStep   `json:"total"`
	Steps       []pathStep `json:"steps"` // newest first, those without a movement too
}

// pathStep counts the movements of a step, by when they happened.
type pathStep struct {
	Start       *time.Time        `json:"start,omitempty"` // none in the total
	Matched     uint64            `json:"matched"`         // another path said the same amount
	Only        map[string]uint64 `json:"only"`            // by path: seen on this one alone
	Differ      uint64            `json:"differ"`          // another path said another amount or currency
	Unconfirmed []unconfirmed     `json:"unconfirmed"`     // money seen on one path alone
}

// unconfirmed is money of one currency that one path alone has told of.
type unconfirmed struct {
	Currency string `json:"currency"`
	In       money  `json:"in"`  // gifts and won disputes
	Out      money  `json:"out"` // refunds and chargebacks, negative
}

// pathRow is one row of the engine's answer.
type pathRow struct {
	start                           time.Time
	source, path, verdict, currency string
	movements                       uint64
	in, out                         big.Int
}

func readPaths(rows Rows, s steps) ([]pathSource, error) {
	known := map[string][]string{}
	var list []pathRow
	err := each(rows, "feeds.paths", func() error {
		var r pathRow
		err := rows.Scan(&r.start, &r.source, &r.path, &r.verdict, &r.currency, &r.movements, &r.in, &r.out)
		if r.verdict == "path" {
			known[r.source] = append(known[r.source], r.path)
		} else {
			list = append(list, r)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sources := []pathSource{}
	for _, source := range slices.Sorted(maps.Keys(known)) {
		if len(known[source]) < 2 {
			continue
		}
		one, err := sumPaths(source, known[source], list, s)
		if err != nil {
			return nil, err
		}
		sources = append(sources, one)
	}
	return sources, nil
}

func sumPaths(source string, paths []string, list []pathRow, s steps) (pathSource, error) {
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(pathRank(a), pathRank(b)), cmp.Compare(a, b))
	})
	sums := make([]pathSum, s.count+1) // the last is the total
	for i := range list {
		r := &list[i]
		if r.source != source {
			continue
		}
		step, err := s.index(r.start)
		if err != nil {
			return pathSource{}, err
		}
		sums[step].add(r)
		sums[s.count].add(r)
	}
	out := pathSource{Source: source, Paths: paths, From: s.from, StepSeconds: int(s.each.Seconds())}
	for i := range sums {
		step, err := sums[i].step(paths)
		if err != nil {
			return pathSource{}, err
		}
		if i == s.count {
			out.Total = step
			break
		}
		start := s.start(i)
		step.Start = &start
		out.Steps = append(out.Steps, step)
	}
	slices.Reverse(out.Steps)
	return out, nil
}

// pathRank puts the vendor's own path first, then the mirror.
func pathRank(path string) int {
	if i := slices.Index([]string{"vendor", "mirror"}, path); i >= 0 {
		return i
	}
	return 2
}

// pathSum is a step in the making.
type pathSum struct {
	matched, differ uint64
	only            map[string]uint64
	in, out         map[string]*big.Int // by currency
}

func (p *pathSum) add(r *pathRow) {
	switch r.verdict {
	case "matched":
		p.matched += r.movements
		return
	case "differ":
		p.differ += r.movements
		return
	}
	if p.only == nil {
		p.only, p.in, p.out = map[string]uint64{}, map[string]*big.Int{}, map[string]*big.Int{}
	}
	p.only[r.path] += r.movements
	if p.in[r.currency] == nil {
		p.in[r.currency], p.out[r.currency] = new(big.Int), new(big.Int)
	}
	p.in[r.currency].Add(p.in[r.currency], &r.in)
	p.out[r.currency].Add(p.out[r.currency], &r.out)
}

func (p *pathSum) step(paths []string) (pathStep, error) {
	s := pathStep{Matched: p.matched, Differ: p.differ, Only: map[string]uint64{}, Unconfirmed: []unconfirmed{}}
	for _, path := range paths {
		s.Only[path] = p.only[path]
	}
	for _, currency := range slices.Sorted(maps.Keys(p.in)) {
		u := unconfirmed{Currency: currency}
		if err := sums(currency, []*big.Int{p.in[currency], p.out[currency]}, &u.In, &u.Out); err != nil {
			return s, err
		}
		s.Unconfirmed = append(s.Unconfirmed, u)
	}
	return s, nil
}

// text is what is unconfirmed of one currency, exact.
func (u unconfirmed) text() string {
	switch {
	case u.Out.Minor == 0:
		return u.In.exact()
	case u.In.Minor == 0:
		return u.Out.exact() + " taken back"
	}
	return u.In.exact() + " given, " + u.Out.exact() + " taken back"
}

func (d feedDesk) pathTable(p Panel, m Moment, sources []pathSource) views.PathTable {
	t := views.PathTable{Panel: d.head(p, m, "")}
	t.Note = "by when it happened, last " + ageText(m.Window)
	if len(sources) == 0 {
		t.Empty = "No source has come over two paths in the last week. When the same source and ids come with another " +
			"“path”, such as mirror, they are held against each other here."
	}
	for _, s := range sources {
		t.Sources = append(t.Sources, d.pathView(s))
	}
	return t
}

func (d feedDesk) pathView(s pathSource) views.PathSource {
	v := views.PathSource{Name: s.Source, Header: []string{"Time", "Matched"}}
	v.Totals = append(v.Totals, views.PathTotal{Kind: "matched", Label: "Matched", Value: countText(s.Total.Matched)})
	for _, path := range s.Paths {
		v.Header = append(v.Header, "Only "+path)
		v.Totals = append(v.Totals, views.PathTotal{
			Kind: "only", Label: "Only " + path, Value: countText(s.Total.Only[path]),
		})
	}
	v.Header = append(v.Header, "Differ", "Unconfirmed")
	v.Totals = append(v.Totals, views.PathTotal{
		Kind: "differ", Label: "Amounts differ", Value: countText(s.Total.Differ), Some: s.Total.Differ > 0,
	})
	for _, u := range s.Total.Unconfirmed {
		v.Unconfirmed = append(v.Unconfirmed, u.text())
	}
	most := uint64(1)
	for _, step := range s.Steps {
		most = max(most, step.all())
	}
	for _, step := range s.Steps {
		v.Rows = append(v.Rows, d.pathLine(s, step, most))
	}
	return v
}

func (s pathStep) all() uint64 {
	n := s.Matched + s.Differ
	for _, only := range s.Only {
		n += only
	}
	return n
}

func (d feedDesk) pathLine(s pathSource, step pathStep, most uint64) views.PathLine {
	line := views.PathLine{
		Time: step.Start.In(d.Zone).Format("3:04 PM"), ISO: step.Start.UTC().Format(time.RFC3339),
		Cells: []string{few(step.Matched)}, Differs: step.Differ > 0,
	}
	x := 0.0
	slice := func(kind string, n uint64) {
		if n > 0 {
			w := 100 * float64(n) / float64(most)
			line.Strip = append(line.Strip, views.Slice{
				Kind: kind, X: fmt.Sprintf("%.2f", x), Width: fmt.Sprintf("%.2f", w),
			})
			x += w
		}
	}
	slice("matched", step.Matched)
	for i, path := range s.Paths {
		line.Cells = append(line.Cells, few(step.Only[path]))
		slice("only"+strconv.Itoa(min(i, 1)), step.Only[path])
	}
	slice("differ", step.Differ)
	var open []string
	for _, u := range step.Unconfirmed {
		open = append(open, u.text())
	}
	line.Cells = append(line.Cells, few(step.Differ), strings.Join(open, ", "))
	return line
}

// few leaves zeros out: what happened stands out.
func few(n uint64) string {
	if n == 0 {
		return "·"
	}
	return countText(n)
}
