package story

import "strconv"

// app is one of the campaign's web applications.
type app struct {
	name         string
	hosts        []string // the machines that share its requests
	quiet, surge float64  // its share of all requests, by day and because of the night
	tender       float64  // how badly it takes strain, 0 to 1
	pages        wheel[page]
	referrers    wheel[string] // of its landing pages
}

// card is what the form of a gift is sent to. The traffic tells it by itself, as often as people give.
func card() page { return page{"POST", "/now/card", 201, 420, 0.5, 900, false} }

// hosts names n machines after the first of them: www, www2, www3.
func hosts(name string, n int) []string {
	list := make([]string, n)
	for i := range list {
		number := ""
		if i > 0 {
			number = strconv.Itoa(i + 1)
		}
		list[i] = name + number + ".example.org"
	}
	return list
}

// page is one thing that is asked of an app.
type page struct {
	method, path string
	status       int     // when all is well
	ms, spread   float64 // median time to answer, and how far the others go
	bytes        float64 // median size
	landing      bool    // people arrive here from elsewhere, so it has a refcode
}

// apps are all applications of the campaign, those with the most requests first.
func apps() []*app {
	site := &app{name: "site", hosts: hosts("www", 4), quiet: 46, surge: 44, tender: 0.5}
	site.add(30, page{"GET", "/", 200, 22, 0.5, 38_000, true})
	site.add(24, page{"GET", "/assets/site.js", 200, 3, 0.5, 64_000, false})
	site.add(12, page{"GET", "/issues", 200, 26, 0.6, 29_000, false})
	site.add(10, page{"GET", "/watch", 200, 18, 0.5, 21_000, true})
	site.add(8, page{"GET", "/news", 200, 31, 0.7, 33_000, false})
	site.add(6, page{"GET", "/about", 200, 19, 0.5, 27_000, false})
	site.add(4, page{"POST", "/signup", 303, 48, 0.6, 300, false})

	donate := &app{name: "donate", hosts: hosts("give", 3), quiet: 22, surge: 34, tender: 1}
	donate.add(59, page{"GET", "/now", 200, 28, 0.5, 24_000, true})
	donate.add(24, page{"GET", "/assets/form.js", 200, 3, 0.5, 51_000, false})
	donate.add(0.8, page{"GET", "/thanks", 200, 17, 0.5, 12_000, false})
	donate.add(6, page{"GET", "/monthly", 200, 27, 0.5, 23_000, true})

	api := &app{name: "api", hosts: hosts("api", 3), quiet: 20, surge: 15, tender: 0.6}
	api.add(50, page{"GET", "/v2/feed", 200, 9, 0.7, 6_000, false})
	api.add(20, page{"POST", "/v2/events", 202, 7, 0.6, 40, false})
	api.add(20, page{"GET", "/v2/me", 200, 12, 0.6, 1_200, false})
	api.add(10, page{"GET", "/v2/search", 200, 65, 0.9, 9_000, false})

	events := &app{name: "events", hosts: hosts("events", 2), quiet: 12, surge: 7, tender: 0.4}
	events.add(60, page{"GET", "/near-me", 200, 74, 0.8, 18_000, true})
	events.add(30, page{"GET", "/event", 200, 35, 0.6, 15_000, false})
	events.add(10, page{"POST", "/rsvp", 303, 55, 0.6, 300, false})

	site.comeFrom(0)
	donate.comeFrom(1) // people click their way to the form
	events.comeFrom(0.3)
	return []*app{site, donate, api, events}
}

// comeFrom says from where people arrive; clicked is the weight of the campaign's own pages against the world's.
func (a *app) comeFrom(clicked float64) {
	a.referrers.put(55, "")
	a.referrers.put(20, "https://search.example/")
	a.referrers.put(15, "https://social.example/")
	a.referrers.put(10, "https://news.example/")
	a.referrers.put(48*clicked, "https://www.example.org/")
	a.referrers.put(7*clicked, "https://events.example.org/near-me")
}

func (a *app) add(share float64, p page) { a.pages.put(share, p) }
