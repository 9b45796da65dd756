package board

import (
	"math/big"
	"strconv"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// weeksBack is how many weeks the map of the hours looks back.
const weeksBack = 8

// moneyWeek is the map of the hours of the week: what an hour usually brings, before refunds.
func (d desk) moneyWeek() Panel {
	p := d.panel("money.week", campaign.Donations)
	p.Note = "mean of the last 8 weeks, before refunds"
	p.Params = func(m Moment) map[string]string {
		params := d.ofCurrency(m)
		from, _ := weekSpan(m, d.Zone)
		params["from"] = from.Format(time.DateTime)
		return params
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := d.readWeek(rows, m)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.WeekPanel(d.week(p, m, list))}, nil
	}
	return p
}

// weekSpan is from when to when the map looks: whole hours, as many weeks by the campaign's clock.
func weekSpan(m Moment, zone *time.Location) (from, until time.Time) {
	until = m.At.UTC().Truncate(time.Hour)
	return sameClock(until, -7*weeksBack, zone).Truncate(time.Hour), until
}

// weekRow is one row of the API's answer: an hour of the week. The amount is the mean of its hours.
type weekRow struct {
	Weekday string `json:"weekday"`
	Hour    int    `json:"hour"` // of the campaign's clock, 0–23
	money
	Given money  `json:"given"` // by all of them
	Gifts uint64 `json:"gifts"`
	Hours uint64 `json:"hours"` // how many hours it is the mean of: one more or less where the clocks changed
}

// hourOfWeek is a place in the map, Monday midnight first.
func hourOfWeek(t time.Time, zone *time.Location) int {
	local := t.In(zone)
	return (int(local.Weekday())+6)%7*24 + local.Hour()
}

func (d desk) readWeek(rows Rows, m Moment) ([]weekRow, error) {
	list := make([]weekRow, 7*24)
	for i := range list {
		none := newMoney(0, d.Currency)
		list[i] = weekRow{Weekday: time.Weekday((i/24 + 1) % 7).String(), Hour: i % 24, money: none, Given: none}
	}
	var first time.Time
	err := each(rows, "money.week", func() error {
		var start time.Time
		var sum big.Int
		var gifts uint64
		if err := rows.Scan(&start, &sum, &gifts); err != nil {
			return err
		}
		given, err := sumOf(&sum, d.Currency)
		if first.IsZero() {
			first = start
		}
		at := &list[hourOfWeek(start, d.Zone)]
		at.Given = newMoney(at.Given.Minor+given.Minor, d.Currency)
		at.Gifts += gifts
		return err
	})
	if _, until := weekSpan(m, d.Zone); !first.IsZero() { // before the first gift there was no campaign
		for hour := first; hour.Before(until); hour = hour.Add(time.Hour) {
			list[hourOfWeek(hour, d.Zone)].Hours++
		}
	}
	for i := range list {
		list[i].money = list[i].Given.average(list[i].Hours)
	}
	return list, err
}

func (d desk) week(p Panel, m Moment, list []weekRow) views.Week {
	most, gifts := 0, uint64(0)
	for i, row := range list {
		gifts += row.Gifts
		if row.Minor > list[most].Minor {
			most = i
		}
	}
	empty := ""
	if gifts == 0 {
		empty = "No whole hour with a gift in eight weeks yet."
	}
	w := views.Week{Panel: d.head(p, m, empty), Table: [][]string{{"Hour", "Mean", "Hours", "Given in all", "Gifts"}}}
	now, offset := hourOfWeek(m.At, d.Zone), m.At.UTC().Truncate(time.Hour).In(d.Zone).Minute()
	for hour := range 24 {
		w.Hours = append(w.Hours, hourText(hour, offset))
	}
	for i, row := range list {
		if i%24 == 0 {
			w.Days = append(w.Days, views.WeekDay{Name: row.Weekday[:3]})
		}
		name := row.Weekday + ", " + hourText(row.Hour, offset)
		cell := views.WeekCell{
			Name: name, Value: row.text() + " an hour, mean of " + counted(row.Hours, "hour", "hours"),
			Level: level(float64(row.Minor), float64(list[most].Minor)), Now: i == now, First: i == 0,
		}
		mean := row.exact()
		switch {
		case row.Hours == 0:
			cell.Unknown, cell.Value, mean = true, "not seen yet", nothing
		case row.Minor == 0:
			cell.Short = "0"
		default:
			cell.Short = row.short()
		}
		day := &w.Days[i/24]
		day.Cells = append(day.Cells, cell)
		w.Table = append(w.Table, []string{name, mean, countText(row.Hours), row.Given.exact(), countText(row.Gifts)})
	}
	w.Sub = "Most: " + list[most].Weekday + ", " + hourText(list[most].Hour, offset) + ", " + list[most].text() + " an hour"
	return w
}

// hourText names an hour of the clock, "9 PM", or "9:30 PM" where the zone is off by half an hour.
func hourText(hour, minute int) string {
	half, twelve := "AM", hour%12
	if hour >= 12 {
		half = "PM"
	}
	if twelve == 0 {
		twelve = 12
	}
	text := strconv.Itoa(twelve)
	if minute != 0 {
		text += ":" + strconv.Itoa(minute)
	}
	return text + " " + half
}
