package board

import (
	"math/big"
	"time"

	"warroom/server/campaign"
)

// moneyMinutes is the chart of dollars per minute, before refunds, one-time and recurring gifts apart.
func (d desk) moneyMinutes() Panel {
	p := d.panel("money.minutes", campaign.Donations)
	p.Steps = true
	p.Note, p.Chart, p.Window = "gifts, before refunds", "bars", 3*time.Hour
	p.Params = func(m Moment) map[string]string {
		params := d.ofCurrency(m)
		params["from"] = engineTime(minuteSteps(m).from)
		return params
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		series, err := d.readMinutes(rows, m)
		return Answer{Series: series}, err
	}
	return p
}

// minuteSteps are the minutes of a window; the last is the one of the moment, as far as it has come.
func minuteSteps(m Moment) steps {
	return lastSteps(m.At.Truncate(time.Minute).Add(time.Minute), m.Window, time.Minute)
}

func (d desk) readMinutes(rows Rows, m Moment) (*Series, error) {
	s := minuteSteps(m)
	once, recurring := make([]money, s.count), make([]money, s.count)
	for i := range once {
		once[i], recurring[i] = newMoney(0, d.Currency), newMoney(0, d.Currency)
	}
	err := each(rows, "money.minutes", func() error {
		var (
			minute               time.Time
			onceSum, repeatedSum big.Int
		)
		if err := rows.Scan(&minute, &onceSum, &repeatedSum); err != nil {
			return err
		}
		i, err := s.index(minute)
		if err != nil {
			return err
		}
		return sums(d.Currency, []*big.Int{&onceSum, &repeatedSum}, &once[i], &recurring[i])
	})
	if err != nil {
		return nil, err
	}
	series := s.series(m)
	series.Columns = []Lane{
		{Name: "once", Label: "One-time", Unit: d.unit(), Values: majors(once)},
		{Name: "recurring", Label: "Recurring", Unit: d.unit(), Values: majors(recurring)},
	}
	series.Table = s.table(d.Zone, "3:04 PM", []string{"Minute", "One-time", "Recurring"}, func(i int) []string {
		return []string{once[i].exact(), recurring[i].exact()}
	})
	return series, nil
}

func majors(amounts []money) []*float64 {
	values := make([]*float64, len(amounts))
	for i, a := range amounts {
		value := a.major()
		values[i] = &value
	}
	return values
}
