package board

import (
	"strconv"
	"time"

	"warroom/server/campaign"
)

// sendCurve is the chart of what a send has raised by each age, against the band of earlier sends at the same age.
func (d desk) sendCurve(id string) Panel {
	p := d.ofSend("send.curve", id, campaign.Donations, campaign.Emails)
	p.Note, p.Chart = "against earlier sends at the same age", "curve"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		story, err := readStory(rows, "send.curve", m)
		return Answer{Series: d.curveSeries(story, m)}, err
	}
	return p
}

// sendGifts is the chart of gifts a minute since the send. It asks what the curve asks.
func (d desk) sendGifts(id string) Panel {
	p := d.ofSend("send.curve", id, campaign.Donations, campaign.Emails)
	p.Topic, p.Title, p.Note, p.Chart, p.Unit = "send.gifts", "Gifts since the send", "in each step", "bars", "count"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		story, err := readStory(rows, "send.gifts", m)
		return Answer{Series: d.giftSeries(story, m)}, err
	}
	return p
}

// sendStory is one send and those that were final before it.
type sendStory struct {
	earnings
	age     time.Duration // at the moment; negative when no mail has left
	gifts   map[int64]uint64
	earlier []earnings
}

// span is how far the charts look, and in which steps, so that a blast of five minutes fills its picture as well as
// one of yesterday does.
func (s sendStory) span() steps {
	spans := []steps{
		{each: time.Minute, count: 60}, {each: 2 * time.Minute, count: 90}, {each: 5 * time.Minute, count: 72},
		{each: 15 * time.Minute, count: 96}, {each: time.Hour, count: 72},
	}
	for _, span := range spans {
		span.from = s.first
		if time.Duration(span.count)*span.each > s.age || span.each == time.Hour {
			return span
		}
	}
	return steps{}
}

// readStory reads the send in the first row and the earlier ones after it.
func readStory(rows Rows, topic string, m Moment) (s sendStory, err error) {
	isFirst := true
	s.age = -1
	err = each(rows, topic, func() error {
		var (
			id             string
			first          time.Time
			days           uint64
			minutes, hours stepSums
			gifts          []uint64
		)
		if err := rows.Scan(&id, &first, &days, &minutes.starts, &minutes.minor, &gifts, &hours.starts, &hours.minor); err != nil {
			return err
		}
		switch {
		case isFirst && first.Unix() <= 0:
		case isFirst:
			s.age = m.At.Sub(first)
			until := min(s.age, finalAge)
			s.earnings = newEarnings(id, first.UTC(), minutes, int(until/time.Minute), stepSums{}, until)
			s.add(until, sumOfAll(minutes.minor))
			s.gifts = map[int64]uint64{}
			for i, start := range minutes.starts {
				s.gifts[int64(start)] += gifts[i]
			}
		case days <= trickleDays:
			s.earlier = append(s.earlier, newEarnings(id, first.UTC(), minutes, 60, hours, finalAge+time.Hour))
		}
		isFirst = false
		return nil
	})
	return s, err
}

func sumOfAll(values []int64) (sum float64) {
	for _, v := range values {
		sum += float64(v)
	}
	return sum
}

// curveSeries has a point at the end of each step: what was raised by then. The send's own line ends at the moment.
func (d desk) curveSeries(s sendStory, m Moment) *Series {
	if s.age < 0 {
		return &Series{Times: []int64{}, Step: 60, Columns: d.curveLanes(), Doubt: m.Doubt}
	}
	span := s.span()
	span.count++ // the point at the send itself
	series := span.series(m)
	series.Columns = d.curveLanes()
	unit := newMoney(1, d.Currency).major()
	for i := range span.count {
		age := time.Duration(i) * span.each
		own := at(s.by(age)*unit, age <= s.age)
		band, ok := bandAt(s.earlier, age)
		for lane, value := range []*float64{own, at(band.mid*unit, ok), at(band.low*unit, ok), at(band.high*unit, ok)} {
			series.Columns[lane].Values = append(series.Columns[lane].Values, value)
		}
	}
	series.Table = span.table(d.Zone, "Mon 3:04 PM MST", append([]string{"By"}, laneLabels(series.Columns)...), func(i int) (cells []string) {
		for _, lane := range series.Columns {
			cells = append(cells, wholeText(lane.Values[i], d.Currency))
		}
		return cells
	})
	return series
}

func (d desk) curveLanes() []Lane {
	lanes := []Lane{
		{Name: "raised", Label: "This send", Unit: d.unit()},
		{Name: "middle", Label: "Earlier sends, the middle", Unit: d.unit()},
		{Name: "low", Label: "One in ten less", Unit: d.unit()},
		{Name: "high", Label: "One in ten more", Unit: d.unit()},
	}
	for i := range lanes {
		lanes[i].Values = []*float64{} // pages read an empty list, not null
	}
	return lanes
}

// at is a point; none when there is nothing to say.
func at(value float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &value
}

func laneLabels(lanes []Lane) (labels []string) {
	for _, l := range lanes {
		labels = append(labels, l.Label)
	}
	return labels
}

// wholeText writes a point of a chart of money.
func wholeText(major *float64, currency string) string {
	if major == nil {
		return nothing
	}
	return about(*major/newMoney(1, currency).major(), currency).text()
}

func (d desk) giftSeries(s sendStory, m Moment) *Series {
	lane := Lane{Name: "gifts", Label: "Gifts", Unit: "count", Values: []*float64{}}
	if s.age < 0 {
		return &Series{Times: []int64{}, Step: 60, Columns: []Lane{lane}, Doubt: m.Doubt}
	}
	span := s.span()
	series := span.series(m)
	counts := make([]uint64, span.count)
	for start, n := range s.gifts {
		if i := int((start - s.first.Unix()) / int64(span.each/time.Second)); i < span.count {
			counts[i] += n
		}
	}
	for i := range span.count {
		lane.Values = append(lane.Values, at(float64(counts[i]), time.Duration(i)*span.each <= s.age))
	}
	series.Columns = []Lane{lane}
	series.Table = span.table(d.Zone, "Mon 3:04 PM MST", []string{"From", "Gifts"}, func(i int) []string {
		if lane.Values[i] == nil {
			return []string{nothing}
		}
		return []string{strconv.FormatUint(counts[i], 10)}
	})
	return series
}
