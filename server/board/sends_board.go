package board

import (
	"warroom/server/campaign"
	"warroom/views"
)

// sends is the board of all blasts.
func (d desk) sends() Board {
	return Board{
		Name: "sends", Title: "Sends", Path: "/sends", Page: views.SendsBoard,
		Panels: []Panel{d.sendsList()},
	}
}

// send is the board of one blast. All its panels are about one, and are asked only with its name.
func (d desk) send() Board {
	return Board{
		Name: "send", Title: "Send", Path: "/sends/", Page: views.SendBoard,
		Panels: []Panel{
			d.aboutSend(d.sendSummary), d.aboutSend(d.sendCurve), d.aboutSend(d.sendProjection),
			d.aboutSend(d.sendGifts), d.aboutSend(d.sendVariants),
		},
	}
}

// aboutSend is a panel that exists for each send.
func (d desk) aboutSend(of func(id string) Panel) Panel {
	p := of("")
	p.Of = of
	return p
}

// ofSend is the part of a panel about one send that its query's header gives.
func (d desk) ofSend(topic, id string, kinds ...campaign.Kind) Panel {
	p := d.panel(topic, kinds[0])
	p.Kinds = kinds
	p.Params = func(m Moment) map[string]string {
		params := d.ofCurrency(m)
		params["send"] = id
		return params
	}
	return p
}
