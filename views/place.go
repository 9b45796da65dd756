package views

import "strconv"

// levelClass picks the tile's lightness.
func (t Tile) levelClass() string { return "lv" + strconv.Itoa(t.Level) }

// columnClass and rowClass put the tile in its place: the CSP forbids style attributes.
func (t Tile) columnClass() string { return "col" + strconv.Itoa(t.Col) }
func (t Tile) rowClass() string    { return "row" + strconv.Itoa(t.Row) }

// describe says what the bar draws.
func (m Meter) describe() string {
	text := m.Label + " " + m.Value
	if m.MarkText != "" {
		text += ", " + m.MarkText
	}
	if m.Over {
		text += ", over it"
	}
	return text
}

// label says what the picture is for those who don't see it.
func (c Chart) label() string {
	kind := "lines over time"
	if c.Kind == "bars" {
		kind = "bars over time"
	}
	return c.Title + ", " + kind + "; the same figures are in the table below"
}

// waiting is what stands where the picture will be.
func (c Chart) waiting() string {
	if c.Empty != "" {
		return c.Empty
	}
	return "waiting for the first figures"
}

// stop makes the map one stop for the Tab key: the arrows walk on it from there.
func stop(i int) string {
	if i == 0 {
		return "0"
	}
	return "-1"
}

// lineID names a place in a list, not what stands there: the lines of a list stay and what they say changes.
func (p Panel) lineID(i int) string { return p.ID() + "-" + strconv.Itoa(i) }
