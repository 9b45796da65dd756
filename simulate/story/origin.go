package story

// origin is what made somebody come.
type origin struct{ refcode, sendID, channel, form string }

// origins throws what made somebody come, at any moment.
type origins struct {
	calendar              *calendar
	quiet, surge, earlier wheel[origin]
}

func newOrigins(p *Plan) *origins {
	o := &origins{calendar: newCalendar(p)}
	o.quiet.put(30, origin{"", "", "web", "donate"})
	o.quiet.put(14, origin{"site-header", "", "web", "donate"})
	o.quiet.put(12, origin{"ad-search", "", "ads", "donate-short"})
	o.quiet.put(10, origin{"social-post", "", "social", "donate-short"})
	o.quiet.put(9, origin{"text-update", "", "sms", "express"})
	o.quiet.put(7, origin{"social-video", "", "social", "donate-short"})
	o.quiet.put(6, origin{"ad-video", "", "ads", "donate-short"})
	o.quiet.put(4, origin{"partner-page", "", "partner", "donate"})
	o.surge.put(24, origin{"", "", "web", "donate"})
	o.surge.put(22, origin{"live-stream", "", "web", "tonight"})
	o.surge.put(16, origin{"tv-code", "", "qr", "tonight"})
	o.surge.put(14, origin{"social-clip", "", "social", "tonight"})
	o.surge.put(12, origin{"text-now", "", "sms", "express"})
	o.surge.put(8, origin{"ad-search", "", "ads", "donate-short"})
	o.earlier.put(55, origin{"", "", "web", "monthly"})
	o.earlier.put(25, origin{"monthly-drive", "", "email", "monthly"})
	o.earlier.put(20, origin{"ad-monthly", "", "ads", "monthly"})
	return o
}

// throw says what made somebody come at t. night tells whether the scenario brought them, and not the quiet campaign.
func (o *origins) throw(d dice, t int64, night bool) origin {
	blasts := o.calendar.around(t)
	total := 1.0
	for _, b := range blasts {
		total += b.strength(t, night)
	}
	at := d.Float64()*total - 1
	if at >= 0 {
		for _, b := range blasts {
			if at -= b.strength(t, night); at < 0 {
				return origin{b.id, b.id, "email", "express"}
			}
		}
	}
	if night {
		return o.surge.spin(d)
	}
	return o.quiet.spin(d)
}

func (b *blast) strength(t int64, night bool) float64 {
	if night && !b.extra {
		return pullForeign * b.pull(t)
	}
	return b.pull(t)
}
