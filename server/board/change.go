package board

import (
	"math"
	"strconv"

	"warroom/views"
)

// timesFrom is the ratio from which a rise is told in times and no longer in percent.
const timesFrom = 3

// change compares an amount with the same of an earlier time, which is named by when: "the hour before".
func change(now, before money, when string) views.Change {
	if before.Minor <= 0 {
		if before.Minor == 0 {
			return views.Change{Against: "nothing in " + when}
		}
		return views.Change{Against: when + ": " + before.text()}
	}
	c := views.Change{Against: when + " (" + before.text() + ")"}
	ratio := float64(now.Minor) / float64(before.Minor)
	percent := math.Round((ratio - 1) * 100)
	switch {
	case ratio >= timesFrom:
		c.Sign, c.Text = 1, times(ratio)
	case percent == 0:
		c.Text = "level with"
	case percent > 0:
		c.Sign, c.Text, c.Against = 1, strconv.FormatFloat(percent, 'f', 0, 64)+" %", "from "+c.Against
	default:
		c.Sign, c.Text, c.Against = -1, thousands(strconv.FormatFloat(-percent, 'f', 0, 64))+" %", "from "+c.Against
	}
	return c
}

// times writes a ratio: "3.4×", "38×".
func times(ratio float64) string {
	if ratio < 9.95 {
		return trimZeros(ratio, 1) + "×"
	}
	return thousands(strconv.FormatFloat(ratio, 'f', 0, 64)) + "×"
}

// shift is a comparison in few words, for beside a figure: "▲ 12 %", "▲ 38×", "new".
func shift(now, before money) views.Shift {
	if before.Minor <= 0 {
		if now.Minor > 0 {
			return views.Shift{Kind: "new", Text: "new", Hint: "nothing before"}
		}
		return views.Shift{}
	}
	s := views.Shift{Hint: "before: " + before.exact()}
	ratio := float64(now.Minor) / float64(before.Minor)
	percent := math.Round((ratio - 1) * 100)
	switch {
	case ratio >= timesFrom:
		s.Kind, s.Text, s.Said = "up", times(ratio), "times the span before"
	case percent == 0:
		s.Kind, s.Text, s.Said = "level", "0 %", "level"
	case percent > 0:
		s.Kind, s.Text, s.Said = "up", strconv.FormatFloat(percent, 'f', 0, 64)+" %", "up"
	default:
		s.Kind, s.Text, s.Said = "down", thousands(strconv.FormatFloat(-percent, 'f', 0, 64))+" %", "down"
	}
	return s
}
