package views

// Shift is a comparison in few words. Kind is "up", "down", "level" or "new", and names its class; Said is for those
// who don't see the triangle, Hint for those who point at it.
type Shift struct {
	Kind, Text, Said, Hint string
}

// Neighbour is a figure to compare another one with.
type Neighbour struct {
	Label  string // "Yesterday by this time"
	Figure Figure
	Change Shift
	Sub    string
}

// Cuts is what was raised by one thing at a time, the most first.
type Cuts struct {
	Panel
	What string // what a row is: "Refcode"
	Rows []CutRow
	Sub  string // a line under the table, or empty
}

// CutRow is one row of Cuts. Width is a percentage for the SVG attribute.
type CutRow struct {
	Label, Kind, Amount, Gifts, Average, Share, Width string
	Pieces                                            string // gifts and average in one, where there is no room for columns
	Change                                            Shift
	Quiet                                             bool // no row of its own: what is left, or what has no name
}

// Total is what a span brought.
type Total struct {
	Panel
	Raised Figure
	Change Change
	Sub    string
	Others []string
	Cells  []Cell
}

// Record is the highest hour of the clock ever, and how the present one stands against it.
type Record struct {
	Panel
	Figure   Figure // of the record
	When     string // "Thu 30 Aug, 9–10 PM EDT"
	Falling  string // why the present hour is the record, "highest hour ever, since 10:31 PM EDT"; empty when it isn't
	Announce string // what is said once when it falls; empty when it doesn't
	Now      string // the present hour so far, "10 PM so far: $812,400, 61 % of it"
	Before   string // with Falling: the record before, "before: $1,204,330, Thu 30 Aug, 9–10 PM EDT"
}

// Week is the map of the hours of the week.
type Week struct {
	Panel
	Hours []string // what the columns are called, "12 AM" …
	Days  []WeekDay
	Sub   string // what the cells are and which is the highest
	Table [][]string
}

// WeekDay is one row of the map.
type WeekDay struct {
	Name  string
	Cells []WeekCell
}

// WeekCell is one hour of one day. Level 0 (nothing) to 9 (most) picks its lightness.
type WeekCell struct {
	Name    string // "Thursday, 9 PM"
	Value   string // "$12,300 an hour, mean of 8 weeks"
	Short   string // "$12k", what fits into the cell
	Level   int
	Unknown bool // no such hour has been seen whole yet: that is not nothing
	Now     bool // the hour of the week that it is
	First   bool // where the Tab key stops
}

// class picks the cell's lightness.
func (c WeekCell) class() string { return Tile{Level: c.Level}.levelClass() }

// stop makes the map one stop for the Tab key.
func (c WeekCell) stop() string {
	if c.First {
		return "0"
	}
	return "-1"
}
