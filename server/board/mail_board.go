package board

import "warroom/views"

// mailBoard is the board of mail: are we allowed to go on at this rate, and does it arrive?
func (d desk) mailBoard() Board {
	return Board{
		Name: "mail", Title: "Mail", Path: "/boards/mail", Page: views.MailBoard,
		Panels: []Panel{d.mailQuota(), d.mailLimits(), d.mailRate(), d.mailLag(), d.mailProviders()},
	}
}
