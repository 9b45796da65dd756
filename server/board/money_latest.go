package board

import (
	"hash/fnv"
	"strconv"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyLatest lists the last gifts.
func (d desk) moneyLatest() Panel {
	p := d.panel("money.latest", campaign.Donations)
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readLatest(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.TickerPanel(d.ticker(p, m, list))}, nil
	}
	return p
}

// giftRow is one row of the API's answer, the newest first.
type giftRow struct {
	Key        string    `json:"key"` // names the gift, the same every time
	OccurredAt time.Time `json:"occurred_at"`
	money
	Recurring string `json:"recurring"`
	State     string `json:"state"`
	Refcode   string `json:"refcode"`
}

func readLatest(rows Rows) ([]giftRow, error) {
	list := []giftRow{}
	err := each(rows, "money.latest", func() error {
		var (
			row                  giftRow
			source, id, currency string
			minor                int64
		)
		err := rows.Scan(&row.OccurredAt, &source, &id, &minor, &currency, &row.Recurring, &row.State, &row.Refcode)
		row.Key, row.money = keyOf(source, id), newMoney(minor, currency)
		list = append(list, row)
		return err
	})
	return list, err
}

// keyOf names a gift without telling the ledger's id.
func keyOf(source, id string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(source + "\x00" + id)) // a hash takes everything
	return strconv.FormatUint(h.Sum64(), 36)
}

func (d desk) ticker(p Panel, m Moment, list []giftRow) views.Ticker {
	empty := ""
	if len(list) == 0 {
		empty = "No gifts yet. They appear here within a second of arriving."
	}
	ticker := views.Ticker{Panel: d.head(p, m, empty)}
	for _, row := range list {
		ticker.Gifts = append(ticker.Gifts, views.Gift{
			Key: row.Key, Time: row.OccurredAt.In(d.Zone).Format("3:04:05"), Amount: row.exact(),
			State: row.State, Refcode: row.Refcode, Kind: rhythm(row.Recurring),
		})
	}
	return ticker
}

// rhythm is what the ticker says of a gift that repeats.
func rhythm(recurring string) string {
	if recurring == "none" {
		return ""
	}
	return recurring
}
