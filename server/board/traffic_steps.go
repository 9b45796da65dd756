package board

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
)

// mostLanes is how many lines a chart may have: more can't be told apart.
const mostLanes = 4

// othersLane is the lane of the apps that have none of their own.
const othersLane = "others"

// fineSteps are the whole steps of a window, as fine as a chart can show them, and at least so long.
func fineSteps(m Moment, least time.Duration) steps {
	each := 5 * time.Minute
	switch {
	case m.Window <= 15*time.Minute:
		each = 5 * time.Second
	case m.Window <= time.Hour:
		each = trafficStep
	case m.Window <= 6*time.Hour:
		each = time.Minute
	}
	each = max(each, least)
	return lastSteps(m.At.Add(-settled).Truncate(each), m.Window, each)
}

// params are the parameters of a query by steps.
func (s steps) params(m Moment) map[string]string {
	return map[string]string{
		"at": engineTime(m.At), "from": engineTime(s.from), "step": strconv.Itoa(int(s.each / time.Second)),
	}
}

// layout is how a table writes the time of a step.
func (s steps) layout() string {
	switch {
	case s.each*time.Duration(s.count) > 12*time.Hour:
		return "Mon 3:04 PM MST"
	case s.each < time.Minute:
		return "3:04:05 PM"
	}
	return "3:04 PM"
}

// appSteps is a figure of each app in each step. Before first nothing is known.
type appSteps struct {
	steps
	found []map[string]float64
	first int
}

func readAppSteps(rows Rows, topic string, s steps) (appSteps, error) {
	a := appSteps{steps: s, found: make([]map[string]float64, s.count), first: s.count}
	err := each(rows, topic, func() error {
		var (
			start   time.Time
			apps    []string
			figures []float64
		)
		if err := rows.Scan(&start, &apps, &figures); err != nil {
			return err
		}
		i, err := s.index(start)
		if err != nil {
			return err
		}
		if len(apps) != len(figures) {
			return errors.New("not as many figures as apps")
		}
		a.found[i], a.first = map[string]float64{}, min(a.first, i)
		for k, app := range apps {
			a.found[i][app] += figures[k]
		}
		return nil
	})
	return a, err
}

// busiest are the apps with the highest sums, at most as many as there are lanes; others says that the last lane is
// for all others.
func (a appSteps) busiest() (apps []string, others bool) {
	sums := map[string]float64{}
	for _, figures := range a.found {
		for app, n := range figures {
			sums[app] += n
		}
	}
	apps = slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	if len(apps) > mostLanes {
		return apps[:mostLanes-1], true
	}
	return apps, false
}

// lanes are the figures a second, a lane an app.
func (a appSteps) lanes() []Lane {
	lanes := []Lane{} // pages read an empty list, not null
	apps, others := a.busiest()
	for _, app := range apps {
		lanes = append(lanes, Lane{Name: app, Label: appName(app), Unit: "rate", Values: a.perSecond(
			func(figures map[string]float64) float64 { return figures[app] })})
	}
	if others {
		lanes = append(lanes, Lane{Name: othersLane, Label: "Others", Unit: "rate", Values: a.perSecond(
			func(figures map[string]float64) float64 { return allBut(figures, apps) })})
	}
	return lanes
}

func (a appSteps) perSecond(of func(map[string]float64) float64) []*float64 {
	values := make([]*float64, a.count)
	for i := a.first; i < a.count; i++ {
		value := of(a.found[i]) / a.each.Seconds()
		values[i] = &value
	}
	return values
}

// allBut adds the figures of the apps that aren't listed, in one order, so that the sum is always the same.
func allBut(figures map[string]float64, apps []string) (sum float64) {
	for _, app := range slices.Sorted(maps.Keys(figures)) {
		if !slices.Contains(apps, app) {
			sum += figures[app]
		}
	}
	return sum
}

// laneTable writes lanes as text.
func (s steps) laneTable(zone *time.Location, lanes []Lane, text func(float64) string) [][]string {
	header := []string{"Time"}
	for _, lane := range lanes {
		header = append(header, lane.Label)
	}
	return s.table(zone, s.layout(), header, func(i int) (cells []string) {
		for _, lane := range lanes {
			cell := nothing
			if value := lane.Values[i]; value != nil {
				cell = text(*value)
			}
			cells = append(cells, cell)
		}
		return cells
	})
}

// appName is an app for people.
func appName(app string) string {
	if app == "" {
		return "(no name)"
	}
	return app
}
