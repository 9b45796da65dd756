package views

import (
	"strings"

	"github.com/a-h/templ"
)

// Layout is what surrounds the content of every page.
type Layout struct {
	Title    string // "Leadership"
	Path     string // the page's own path, which its navigation marks
	Board    string // the board that the page shows, "money"; empty on other pages
	Theme    string // "dark", "light", or "auto": what the person's machine prefers
	Zone     string // the campaign's zone, "America/New_York"
	Date     string // "Thu 6 Sep", when the page was made
	Clock    string // "10:46:12 PM EDT", when the page was made
	Live     string // the websocket that keeps the page current, or empty
	AsOf     string // the moment that the page shows when that isn't now, "10:46:12 PM EDT, Thu 6 Sep"
	Now      string // with AsOf: the same page, live
	Windows  []Link // the spans that the page can look back over, shortest first, or none
	Keep     string // what of the page's query its links to other boards keep, "at=…&theme=dark", or empty
	SignedIn bool
	Version  string
}

// Link is an entry of the navigation. Key is the letter that opens it after "g".
type Link struct {
	Path, Text, Key string
	Current         bool
}

// boards are what one swipes through, in this order.
func (l Layout) boards() []Link {
	links := []Link{
		{Path: "/", Text: "Leadership", Key: "l"}, {Path: "/boards/money", Text: "Money", Key: "m"},
		{Path: "/sends", Text: "Sends", Key: "s"}, {Path: "/boards/mail", Text: "Mail", Key: "e"},
		{Path: "/boards/traffic", Text: "Traffic", Key: "t"}, {Path: "/boards/fleet", Text: "Fleet", Key: "f"},
		{Path: "/feeds", Text: "Feeds", Key: "d"},
	}
	for i := range links {
		path := links[i].Path
		links[i].Current = path == l.Path || path == "/sends" && strings.HasPrefix(l.Path, "/sends/")
		if l.Keep != "" {
			links[i].Path += "?" + l.Keep
		}
	}
	return links
}

// pages is the navigation: what exists, and nothing else.
func (l Layout) pages() []Link {
	return append(l.boards(), Link{Path: "/docs", Text: "Docs", Current: l.Path == "/docs"})
}

// current is what a link says of itself: one is the page that is shown.
func (l Link) current() templ.Attributes {
	if !l.Current {
		return nil
	}
	return templ.Attributes{"aria-current": "page"}
}

// state is what the page's scripts and styles start from.
func (l Layout) state() string {
	switch {
	case l.AsOf != "":
		return "past"
	case l.Live != "":
		return "connecting"
	}
	return "still"
}

// htmxConfig: a wall goes on in the background, and screens come back at a random moment within five seconds, so that
// a thousand of them don't arrive as one. reconnectMaxDelay with a jitter of 1 is drawn from 0 to twice its value.
// 4401 (access ended) is the only code after which the page stays away. Nothing is evaluated: the CSP forbids it.
const htmxConfig = `{"history":false,"includeIndicatorCSS":false,"extensions":"ws","ws":{"pauseOnBackground":false,` +
	`"reconnectDelay":250,"reconnectMaxDelay":2500,"reconnectJitter":1,` +
	`"reconnectCodes":[1000,1001,1002,1003,1005,1006,1007,1008,1009,1010,1011,1012,1013,1014,1015]}}`

// Refusal is a page that says no, and what to do.
type Refusal struct {
	Heading, Text string
	Link          Link // where to go instead; no text, no link
}

// Docs is the API's description as a page.
type Docs struct {
	Title, Text string
	Groups      []DocGroup
}

// DocGroup is a chapter of Docs.
type DocGroup struct {
	ID, Name, Text string
	Routes         []DocRoute
}

// DocRoute is one method and path.
type DocRoute struct {
	ID, Method, Path, Summary, Text, Token string
	Params                                 []DocParam
	Answers                                []DocAnswer
	Example                                string
}

// DocParam is a parameter of the URL, a header or the body.
type DocParam struct {
	Name, In, Type, Text string
	Required             bool
}

// DocAnswer is what a status means.
type DocAnswer struct {
	Status, Text string
}
