package board

import (
	"math/big"
	"slices"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyRecord is the hour of the clock with the highest net ever, and how the present one stands against it.
func (d desk) moneyRecord() Panel {
	p := d.panel("money.record", campaign.Donations)
	p.Params = d.ofCurrency
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := d.readRecord(rows, m)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.RecordPanel(d.record(p, m, value))}, nil
	}
	return p
}

// recordValue is the API's answer. The amount is the record's net.
type recordValue struct {
	money
	Hour   *time.Time `json:"hour"`   // start of the record hour; null when there was none
	Falls  bool       `json:"falls"`  // the present hour is the record
	Since  *time.Time `json:"since"`  // the minute in which it became that
	Before *hourSum   `json:"before"` // the record before the present hour
	Now    hourSum    `json:"now"`    // the present hour so far
}

// hourSum is the net of an hour of the clock.
type hourSum struct {
	Hour time.Time `json:"hour"`
	money
}

func (d desk) readRecord(rows Rows, m Moment) (recordValue, error) {
	none := newMoney(0, d.Currency)
	v := recordValue{money: none, Now: hourSum{m.At.UTC().Truncate(time.Hour), none}}
	var minutes []hourSum
	err := each(rows, "money.record", func() error {
		var at hourSum
		var span uint32
		var sum big.Int
		if err := rows.Scan(&at.Hour, &span, &sum); err != nil {
			return err
		}
		var err error
		at.money, err = sumOf(&sum, d.Currency)
		at.Hour = at.Hour.UTC()
		if span == 60 {
			minutes = append(minutes, at)
		} else if at.Minor > 0 {
			v.Before = &at
		}
		return err
	})
	v.run(minutes)
	if v.Falls {
		v.money, v.Hour = v.Now.money, &v.Now.Hour
	} else if v.Before != nil {
		v.money, v.Hour = v.Before.money, &v.Before.Hour
	}
	return v, err
}

// run adds up the minutes of the present hour, and finds the one in which the record fell.
func (v *recordValue) run(minutes []hourSum) {
	slices.SortFunc(minutes, func(a, b hourSum) int { return a.Hour.Compare(b.Hour) })
	for _, minute := range minutes {
		v.Now.money = newMoney(v.Now.Minor+minute.Minor, v.Currency)
		if v.Before != nil && v.Since == nil && v.Now.Minor > v.Before.Minor {
			v.Since = &minute.Hour
		}
	}
	v.Falls = v.Before != nil && v.Now.Minor > v.Before.Minor
	if !v.Falls {
		v.Since = nil
	}
}

func (d desk) record(p Panel, m Moment, v recordValue) views.Record {
	empty := ""
	if v.Hour == nil {
		empty = "No record yet: the first hour of the clock with a gift isn't over."
	}
	r := views.Record{Panel: d.head(p, m, empty)}
	if v.Hour == nil {
		return r
	}
	r.Figure, r.When = v.figure(), d.hourSpan(*v.Hour, m)
	name := v.Now.Hour.In(d.Zone).Format("3 PM")
	if !v.Falls {
		r.Now = name + " so far: " + v.Now.text()
		if ratio, ok := share(float64(v.Now.Minor), float64(v.Minor)); ok && ratio > 0 {
			r.Now += ", " + percentText(ratio) + " of it"
		}
		return r
	}
	before := d.hourSpan(v.Before.Hour, m)
	r.Falling = "highest hour ever, since " + v.Since.In(d.Zone).Format("3:04 PM MST")
	r.Before = "before: " + v.Before.text() + ", " + before
	r.Announce = "Record hour: " + name + " has passed " + v.Before.text() + ", the highest before it (" + before + ")"
	return r
}

// hourSpan names an hour of the clock, "Thu 30 Aug, 9–10 PM EDT", with the year where it isn't the moment's.
func (d desk) hourSpan(hour time.Time, m Moment) string {
	start, end, now := hour.In(d.Zone), hour.Add(time.Hour).In(d.Zone), m.At.In(d.Zone)
	day := "Mon 2 Jan, "
	switch {
	case start.Format(time.DateOnly) == now.Format(time.DateOnly):
		day = ""
	case start.Year() != now.Year():
		day = "Mon 2 Jan 2006, "
	}
	text := "3"
	if start.Minute() != 0 {
		text = "3:04"
	}
	from := text
	if start.Format("PM") != end.Format("PM") {
		from += " PM"
	}
	span := start.Format(day+from) + "–" + end.Format(text+" PM MST")
	if day == "" {
		return "today, " + span
	}
	return span
}
