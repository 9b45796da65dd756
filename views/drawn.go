package views

import "github.com/a-h/templ"

// Drawn are a board's panels, drawn, by topic.
type Drawn map[string]templ.Component

// At is the panel of a topic; nothing when the board doesn't have it.
func (d Drawn) At(topic string) templ.Component {
	if c, ok := d[topic]; ok {
		return c
	}
	return templ.NopComponent
}
