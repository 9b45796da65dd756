package board

import (
	"strconv"
	"time"

	"warroom/server/campaign"
)

// mailRate is the chart of mails a second by what happened to them.
func (d desk) mailRate() Panel {
	p := d.panel("mail.rate", campaign.Emails)
	p.Note, p.Chart, p.Window, p.Steps = "means of a minute, or of an hour", "mail", time.Hour, true
	p.Windows = []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
	p.Params = func(m Moment) map[string]string {
		s := mailSteps(m)
		return map[string]string{
			"at": engineTime(m.At), "from": engineTime(s.from), "step": strconv.Itoa(int(s.each.Seconds())),
		}
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		series, err := d.readMailRate(rows, m)
		return Answer{Series: series}, err
	}
	return p
}

// mailSteps are whole minutes, or whole hours of a window of more than three hours.
func mailSteps(m Moment) steps {
	step := time.Minute
	if m.Window > 3*time.Hour {
		step = time.Hour
	}
	return lastSteps(m.At.Truncate(step), m.Window, step)
}

func (d desk) readMailRate(rows Rows, m Moment) (*Series, error) {
	s := mailSteps(m)
	found := make([][4]uint64, s.count)
	err := each(rows, "mail.rate", func() error {
		var (
			start  time.Time
			counts [4]uint64
		)
		if err := rows.Scan(&start, &counts[0], &counts[1], &counts[2], &counts[3]); err != nil {
			return err
		}
		i, err := s.index(start)
		if err != nil {
			return err
		}
		found[i] = counts
		return nil
	})
	if err != nil {
		return nil, err
	}
	series := s.series(m)
	series.Columns = []Lane{
		{Name: "sent", Label: "Sent", Unit: "rate"}, {Name: "delivered", Label: "Delivered", Unit: "rate"},
		{Name: "opened", Label: "Opened", Unit: "rate"}, {Name: "clicked", Label: "Clicked", Unit: "rate"},
	}
	for _, counts := range found {
		for lane, n := range counts {
			series.Columns[lane].Values = append(series.Columns[lane].Values, at(float64(n)/s.each.Seconds(), true))
		}
	}
	series.Table = s.table(d.Zone, "Mon 3:04 PM MST", append([]string{"From"}, laneLabels(series.Columns)...), func(i int) (cells []string) {
		for _, n := range found[i] {
			cells = append(cells, rateText(float64(n)/s.each.Seconds()))
		}
		return cells
	})
	return series, nil
}
