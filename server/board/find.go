package board

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A topic is a panel's name, "money.hour"; with what the panel is about, "send.curve:em0906"; with another span than
// the panel's own, in seconds, "money.refcodes@3600"; or with both, "send.curve:em0906@86400". There is one topic for
// each such panel: a span that is the panel's own is left out.

// longestInstance is the most bytes that the name of one thing may have in a topic: four times what a send's id has.
const longestInstance = 512

// Instance writes the name of one thing, such as a send's id, as it stands in a topic after the colon.
func Instance(id string) string {
	return strings.NewReplacer("@", "%40", ":", "%3A").Replace(url.PathEscape(id))
}

// Base is a topic without what it is about and without its span: the panel's name, and its place on the page.
func Base(topic string) string {
	if end := strings.IndexAny(topic, ":@"); end >= 0 {
		return topic[:end]
	}
	return topic
}

// Find is the panel of a topic, with its Topic and Window; false when there is none. Only spans that the panel offers
// are found, and only panels that can be about one thing are found about it.
func Find(boards []Board, topic string) (Panel, bool) {
	for _, b := range boards {
		for _, p := range b.Panels {
			if p.Topic == Base(topic) {
				return p.named(topic)
			}
		}
	}
	return Panel{}, false
}

// named is the panel of a topic that begins with the panel's name.
func (p Panel) named(topic string) (Panel, bool) {
	rest, span, spanned := strings.Cut(topic, "@")
	_, instance, about := strings.Cut(rest, ":")
	if about != (p.Of != nil) {
		return Panel{}, false
	}
	if about {
		id, ok := instanceOf(instance)
		if !ok {
			return Panel{}, false
		}
		p = p.About(id)
	}
	if spanned {
		seconds, err := strconv.ParseInt(span, 10, 32)
		if err != nil {
			return Panel{}, false
		}
		p = p.Over(time.Duration(seconds) * time.Second)
	}
	return p, p.Topic == topic // there is one way to write it
}

// instanceOf reads what Instance wrote.
func instanceOf(text string) (id string, ok bool) {
	id, err := url.PathUnescape(text)
	return id, err == nil && id != "" && len(id) <= longestInstance && utf8.ValidString(id) && Instance(id) == text
}

// About is the panel about one thing; a panel about everything is itself.
func (p Panel) About(id string) Panel {
	if p.Of == nil {
		return p
	}
	about := p.Of(id)
	about.Topic, about.Of = Base(p.Topic)+":"+Instance(id), nil
	return about
}

// Over is the panel over another span, if it offers that one; else itself.
func (p Panel) Over(window time.Duration) Panel {
	if window != p.Window && slices.Contains(p.Windows, window) {
		p.Topic = p.over(window)
		p.Window, p.Windows = window, nil
	}
	return p
}

// over is the topic of the panel over a span: its own unless it offers that span.
func (p Panel) over(window time.Duration) string {
	if window == p.Window || !slices.Contains(p.Windows, window) {
		return p.Topic
	}
	return p.Topic + "@" + strconv.FormatInt(int64(window/time.Second), 10)
}

// Named is the board of a name: "money", or "send:em0906" for a board about one thing, which has no page without it.
func Named(boards []Board, name string) (Board, bool) {
	base, instance, about := strings.Cut(name, ":")
	for _, b := range boards {
		switch {
		case b.Name != base || about != b.AboutOne():
			continue
		case !about:
			return b, true
		}
		id, ok := instanceOf(instance)
		return b.about(id), ok
	}
	return Board{}, false
}

// AboutOne says that the board is about one thing: all its panels are.
func (b Board) AboutOne() bool { return len(b.Panels) > 0 && b.Panels[0].Of != nil }

func (b Board) about(id string) Board {
	b.Name, b.Path, b.Title = b.Name+":"+Instance(id), b.Path+url.PathEscape(id), b.Title+" "+id
	panels := make([]Panel, len(b.Panels))
	for i, p := range b.Panels {
		panels[i] = p.About(id)
	}
	b.Panels = panels
	return b
}

// Windows are the spans that the board's panels offer, their own included, shortest first; none when no panel offers
// any.
func (b Board) Windows() (windows []time.Duration) {
	for _, p := range b.Panels {
		if len(p.Windows) > 0 {
			windows = append(append(windows, p.Windows...), p.Window)
		}
	}
	slices.Sort(windows)
	return slices.Compact(windows)
}

// Over is the board with each panel over a span, if the panel offers it.
func (b Board) Over(window time.Duration) Board {
	panels := make([]Panel, len(b.Panels))
	for i, p := range b.Panels {
		panels[i] = p.Over(window)
	}
	b.Panels = panels
	return b
}
