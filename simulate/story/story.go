// Package story invents a campaign: gifts, mail and web traffic that look like a real one's, minute by minute.
//
// It is pure. What happens in a tick of campaign time follows from the Plan alone, never from a clock, from the
// network or from who reads it; the same Plan gives the same bytes. It sends nothing, keeps no file and starts no
// goroutine.
//
// What it promises:
//   - Times are absolute. The quiet part of a story depends on the seed and the time only, so two runs that overlap
//     tell the same gifts with the same ids, and a receiver that counts identities once stays right. What a scenario
//     adds on top carries the start in its ids, and a mail carries its provider's quota.
//   - A story knows nothing from before its beginning: no refund of an earlier gift, no click in an earlier mail.
//   - Every id belongs to one event with one amount and one time, however often and by whichever road it is sent.
//   - No person is real: donors, recipients and visitors are numbers, and all hosts are reserved names.
package story

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // the campaign's days are Eastern, also on a machine without zone files

	"warroom/server/campaign"
)

// Tick is the grain of campaign time: a feed tells its story in steps of this length.
const Tick = 100 * time.Millisecond

// Campaign time is counted in Unix milliseconds inside the package.
const (
	tickMS   = int64(Tick / time.Millisecond)
	secondMS = int64(1000)
	minuteMS = 60 * secondMS
	hourMS   = 60 * minuteMS
)

// Options say which story to tell. The zero value of a field means its default.
type Options struct {
	Scenario string        // quiet, convention or spike; default quiet
	Seed     uint64        // the dice; 0 is a seed like any other
	Start    time.Time     // when the live part begins; required
	Backfill time.Duration // how much history goes before Start
	// Rate is the most requests told per second of live time, over all apps; 0 tells no traffic. When the sites see
	// more, each told request stands for several: its weight is their number divided by the told ones.
	Rate float64
	// MailRate is the mail provider's quota in sends per second; 0 tells no mail.
	MailRate float64
}

// Plan is a checked story with its schedule. It never changes, so any number of feeds may read it.
type Plan struct {
	scenario scenario
	seed     uint64
	start    int64 // Unix ms, on a tick
	from     int64 // Unix ms, on a tick: where history begins
	rate     float64
	mailRate float64
	eastern  *time.Location
	sizes    sizes
}

// New checks the options and lays the story out. Start is rounded down to a Tick.
func New(o Options) (*Plan, error) {
	if o.Start.IsZero() {
		return nil, errors.New("a story needs a start time")
	}
	if o.Rate < 0 || o.MailRate < 0 || o.Backfill < 0 {
		return nil, errors.New("rate, mail rate and backfill must not be negative")
	}
	sc, err := scenarioNamed(o.Scenario)
	if err != nil {
		return nil, err
	}
	eastern, err := time.LoadLocation("America/New_York")
	if err != nil {
		return nil, fmt.Errorf("load the campaign's zone: %w", err)
	}
	start := floorTick(o.Start.UnixMilli())
	return &Plan{
		scenario: sc, seed: o.Seed, start: start, from: floorTick(start - o.Backfill.Milliseconds()),
		rate: o.Rate, mailRate: o.MailRate, eastern: eastern, sizes: newSizes(),
	}, nil
}

func floorTick(ms int64) int64 { return ms - ((ms%tickMS)+tickMS)%tickMS }

// Start is when the live part begins.
func (p *Plan) Start() time.Time { return time.UnixMilli(p.start).UTC() }

// Begin is when history begins: Start less the backfill.
func (p *Plan) Begin() time.Time { return time.UnixMilli(p.from).UTC() }

// Scenario is the name of the scenario.
func (p *Plan) Scenario() string { return p.scenario.name }

// Seed is the seed of the dice.
func (p *Plan) Seed() uint64 { return p.seed }

// Feed is one sender's part of the story, told tick by tick. It is not safe for use by several goroutines.
type Feed struct {
	Name  string        // vendor, mirror, desk, mail or web
	Kind  campaign.Kind // which door it knocks at
	Every time.Duration // how often such a sender sends what it has
	next  int64         // start of the next tick, Unix ms
	teller
}

// teller tells what one sender sends in the tick that begins at Unix ms t. Ticks come in order, each once.
type teller interface {
	tell(t int64) []Event
}

// Feeds returns every sender of the story, each at its beginning. Call it again for a second reading.
func (p *Plan) Feeds() []*Feed {
	feeds := []*Feed{
		p.feed("vendor", campaign.Donations, 200*time.Millisecond, newGifts(p, vendorRoad)),
		p.feed("mirror", campaign.Donations, 200*time.Millisecond, newGifts(p, mirrorRoad)),
		p.feed("desk", campaign.Donations, time.Second, newDesk(p)),
	}
	if p.mailRate > 0 {
		feeds = append(feeds, p.feed("mail", campaign.Emails, 500*time.Millisecond, newMail(p)))
	}
	if p.rate > 0 {
		feeds = append(feeds, p.feed("web", campaign.Traffic, 500*time.Millisecond, newTraffic(p)))
	}
	return feeds
}

func (p *Plan) feed(name string, kind campaign.Kind, every time.Duration, t teller) *Feed {
	return &Feed{Name: name, Kind: kind, Every: every, next: p.from, teller: t}
}

// Due is when the next tick is over, and so the earliest moment at which Next may be sent.
func (f *Feed) Due() time.Time { return time.UnixMilli(f.next + tickMS).UTC() }

// Next tells the next tick: what this sender sends in it, in order. The events belong to the caller.
func (f *Feed) Next() []Event {
	events := f.tell(f.next)
	f.next += tickMS
	return events
}
