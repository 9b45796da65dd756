// Package board is what the boards consist of: one file per panel, each tying a query, a mapping of its rows and a
// view. It runs no query itself, knows no clock and no HTTP: whoever asks says as of which moment, and gets a finished
// answer. It promises that the same rows and the same moment give the same bytes.
package board

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"warroom/queries"
	"warroom/server/campaign"
	"warroom/views"
)

// Options are what the campaign decides about all its boards.
type Options struct {
	Zone     *time.Location // day edges and labels
	Currency string         // ISO 4217, the one of the headlines; other currencies are shown beside it, never added
	// MailPerSecond and MailPerDay are the mail provider's quota; 0 where it isn't known.
	MailPerSecond, MailPerDay float64
	// Tiers say how much hangs on an app: 1 takes gifts, 2 matters tonight, 3 can wait. Others are guessed by their names.
	Tiers map[string]int
}

// Board is a named list of panels.
type Board struct {
	Name, Title string // "leadership", "Leadership"
	Path        string // its page, "/" or "/boards/money"
	Panels      []Panel
	// Page puts the drawn panels, by topic, in their places.
	Page func(views.Drawn) templ.Component
}

// Panel ties a query to what becomes of its rows.
type Panel struct {
	Topic  string          // "money.hour": names it in websocket frames, URLs and /metrics
	Title  string          // "Dollars in the last hour"
	Note   string          // small print beside the title, "last hour"; fragments have it already
	Unit   string          // the query header's: "count", "rate", "percent", or "usd" (the code of another currency)
	Chart  string          // how the page draws the Series: "bars", "lines" or "apps"; empty for panels with a Fragment
	Kinds  []campaign.Kind // the streams behind it: a confirmed batch of one of them makes it due
	Query  queries.Query
	Inside bool          // answered from what the process knows: its query has no SQL, and it has no past
	Window time.Duration // how far it looks back; 0 when the query fixes it
	// Windows are the spans that a live page may ask for instead of Window: each is a topic of its own.
	Windows []time.Duration
	// Of makes the panel of one thing, such as one send, named by what follows the colon in a topic. nil: the panel is
	// about everything.
	Of func(instance string) Panel
	// Steps says that the query's rows are steps of time, oldest first, with the step's start in the first column, and
	// that its from parameter can be moved: a tick then asks for the newest steps only.
	Steps bool
	// Pace is the least time between two answers, however many batches are confirmed: of what nobody needs five times a
	// second, such as a ranking. 0 is as often as any panel may.
	Pace time.Duration
	// Params are the values of the query's {name:Type} placeholders. Panels with the same query over the same span and
	// about the same thing have the same ones: they share its rows.
	Params func(m Moment) map[string]string
	// Answer reads all rows. An error means that the query and this program disagree.
	Answer func(rows Rows, m Moment) (Answer, error)
}

// KindsText names the streams behind a panel, "donations emails".
func (p Panel) KindsText() string {
	var words []string
	for _, k := range p.Kinds {
		words = append(words, k.String())
	}
	return strings.Join(words, " ")
}

// Moment is the question beside the query.
type Moment struct {
	At     time.Time     // as of when, UTC
	Window time.Duration // the panel's, or what the URL asked for
	Doubt  string        // why the figures can't be trusted right now, in words; empty when they can
}

// Answer is a panel's state at a moment. Exactly one of Value, Series and Rows is set; it is what the API gives as
// JSON. Fragment is the panel as HTML; charts have none, their Series goes to the browser as data.
type Answer struct {
	Value    any
	Series   *Series
	Rows     any
	Fragment templ.Component
	Unknown  bool // nobody has told of the one thing that the panel is about
}

// Series is columns of equal length, oldest first. A missing point is null.
type Series struct {
	Times   []int64    `json:"times"` // Unix seconds: the start of each step
	Step    int        `json:"step"`  // seconds
	Columns []Lane     `json:"columns"`
	Doubt   string     `json:"doubt,omitempty"`
	Table   [][]string `json:"-"` // the same as finished text, header first, for readers without the picture
}

// Lane is one line or one layer of bars.
type Lane struct {
	Name   string     `json:"name"`  // "one-time"
	Label  string     `json:"label"` // what the legend says
	Unit   string     `json:"unit"`
	Values []*float64 `json:"values"` // for money: major units, for drawing only; exact sums are in the panels
}

// Rows is a query's result, read from top to bottom.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}
