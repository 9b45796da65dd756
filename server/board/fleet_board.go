package board

import "warroom/views"

// fleet is the board of the apps and the machines behind them: what fails, and what that costs.
func (d desk) fleet() Board {
	return Board{
		Name: "fleet", Title: "Fleet", Path: "/boards/fleet", Page: views.FleetBoard,
		Panels: []Panel{d.fleetRisk(), d.fleetFailing(), d.fleetApps(), d.fleetHosts()},
	}
}
