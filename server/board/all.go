package board

import (
	"errors"
	"fmt"

	"warroom/queries"
	"warroom/server/campaign"
)

// All makes the campaign's boards, in the order of the navigation. The errors name the setting or the query file that
// is wrong.
func All(o Options) ([]Board, error) {
	live, err := queries.Live()
	if err != nil {
		return nil, err
	}
	if _, ok := campaign.Exponent(o.Currency); !ok {
		return nil, fmt.Errorf("board: currency %q is unknown: use an ISO 4217 code such as USD", o.Currency)
	}
	if o.Zone == nil {
		return nil, errors.New("board: the campaign's zone is missing")
	}
	d := desk{Options: o, queries: live}
	boards := []Board{d.leadership(), d.money(), d.sends(), d.send(), d.mailBoard(), d.traffic(), d.fleet()}
	for _, b := range boards {
		for _, p := range b.Panels {
			if p.Query.Name == "" && !p.Inside {
				return nil, fmt.Errorf("board: the panel %s has no query: write queries/live/%s.sql", p.Topic, p.Topic)
			}
		}
	}
	return boards, nil
}

// Panels are the panels of all boards, each topic once, in their order.
func Panels(boards []Board) (panels []Panel) {
	seen := map[string]bool{}
	for _, b := range boards {
		for _, p := range b.Panels {
			if !seen[p.Topic] {
				seen[p.Topic] = true
				panels = append(panels, p)
			}
		}
	}
	return panels
}
