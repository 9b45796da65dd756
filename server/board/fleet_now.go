package board

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"warroom/server/campaign"
)

// ofFleet is a panel that shows a side of fleet.now.
func (d desk) ofFleet(topic, title, unit string, kinds ...campaign.Kind) Panel {
	p := d.panel("fleet.now", campaign.Traffic)
	p.Topic, p.Title, p.Unit = topic, title, unit
	p.Kinds = append(p.Kinds, kinds...)
	p.Params = func(m Moment) map[string]string {
		_, _, before := weekHour(m.At, d.Zone)
		return map[string]string{
			"at": engineTime(m.At), "starts": engineTimes(before), "giving": engineStrings(d.givingApps()), "currency": d.Currency,
		}
	}
	return p
}

// fleetNow is what fleet.now tells, together.
type fleetNow struct {
	apps  map[string]*fleetApp
	hosts []fleetHost
	gifts map[int64]*big.Int // minor units by the minute, Unix seconds
	usual []*big.Int         // minor units, of an hour each
}

// fleetApp is what it tells of one app.
type fleetApp struct {
	name             string
	now, all         answers // of one minute and of five
	weeks, day       answers
	ms               float64 // of all, together
	minutes          []minute
	asked, sent      float64
	answering, hosts uint64 // hosts with a request in the last five whole minutes, and in six hours
}

// fleetHost is a host of an app.
type fleetHost struct {
	app, host string
	last      time.Time // its last whole minute with a request
}

func (n *fleetNow) app(name string) *fleetApp {
	if n.apps[name] == nil {
		n.apps[name] = &fleetApp{name: name}
	}
	return n.apps[name]
}

// named are the apps in the order of the alphabet.
func (n *fleetNow) named() []*fleetApp {
	return slices.SortedFunc(maps.Values(n.apps), func(a, b *fleetApp) int { return cmp.Compare(a.name, b.name) })
}

// fleetLine is a row of the query.
type fleetLine struct {
	part, app, host string
	start           time.Time
	now             answers
	ms              float64
	given           big.Int
}

func (d desk) readNow(rows Rows, topic string, m Moment) (*fleetNow, error) {
	n := &fleetNow{apps: map[string]*fleetApp{}, gifts: map[int64]*big.Int{}}
	sent := map[string]float64{}
	err := each(rows, topic, func() error {
		var l fleetLine
		err := rows.Scan(&l.part, &l.app, &l.host, &l.start, &l.now.requests, &l.now.failed, &l.ms, &l.given)
		if err != nil {
			return err
		}
		if l.part == "sent" {
			sent[l.host] += l.now.requests
			return nil
		}
		return n.take(l, m)
	})
	d.refer(n, sent, m)
	return n, err
}

// take sorts a line in.
func (n *fleetNow) take(l fleetLine, m Moment) error {
	switch l.part {
	case "given":
		n.gifts[l.start.Unix()] = &l.given
		return nil
	case "usual":
		n.usual = append(n.usual, &l.given)
		return nil
	}
	a := n.app(l.app)
	switch l.part {
	case "host":
		n.hosts = append(n.hosts, fleetHost{l.app, l.host, l.start})
		if a.hosts++; !l.start.Before(m.At.Truncate(time.Minute).Add(-5 * time.Minute)) {
			a.answering++
		}
	case "seconds":
		a.now, a.ms = l.now, a.ms+l.ms
		a.all = a.all.and(l.now)
	case "four":
		a.all, a.ms = a.all.and(l.now), a.ms+l.ms
	case "minutes":
		a.minutes = append(a.minutes, minute{l.start.Unix(), l.now})
	case "day":
		a.day = l.now
	case "week":
		a.weeks = l.now
	case "asked":
		a.asked = l.now.requests
	default:
		return fmt.Errorf("the engine tells of %q, which is no part of the fleet", l.part)
	}
	return nil
}

func (a answers) and(b answers) answers {
	return answers{a.requests + b.requests, a.failed + b.failed}
}

// refer adds up what the hosts of an app without pages to give sent to those pages within half an hour.
func (d desk) refer(n *fleetNow, sent map[string]float64, m Moment) {
	giving, since := d.givingApps(), m.At.Truncate(time.Minute).Add(-30*time.Minute)
	seen := map[string]bool{}
	for _, h := range n.hosts {
		site := strings.TrimPrefix(h.host, "www.")
		if h.last.Before(since) || seen[site] {
			continue
		}
		seen[site] = true
		if !slices.Contains(giving, h.app) {
			n.app(h.app).sent += sent[site]
		}
	}
}
