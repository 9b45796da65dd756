package story

// place is where somebody lives: a state of the country, or another country.
type place struct{ state, country string }

// places throws homes by population (2020 census, in ten thousands; in a hundred, one citizen lives abroad).
func places() *wheel[place] {
	var w wheel[place]
	for _, s := range []struct {
		state  string
		people float64
	}{
		{"CA", 3954}, {"TX", 2915}, {"FL", 2154}, {"NY", 2020}, {"PA", 1300}, {"IL", 1281}, {"OH", 1180}, {"GA", 1071},
		{"NC", 1044}, {"MI", 1008}, {"NJ", 929}, {"VA", 863}, {"WA", 771}, {"AZ", 715}, {"MA", 703}, {"TN", 691},
		{"IN", 679}, {"MD", 618}, {"MO", 615}, {"WI", 589}, {"CO", 577}, {"MN", 571}, {"SC", 512}, {"AL", 502},
		{"LA", 466}, {"KY", 451}, {"OR", 424}, {"OK", 396}, {"CT", 361}, {"UT", 327}, {"IA", 319}, {"NV", 310},
		{"AR", 301}, {"MS", 296}, {"KS", 294}, {"NM", 212}, {"NE", 196}, {"ID", 184}, {"WV", 179}, {"HI", 146},
		{"NH", 138}, {"ME", 136}, {"RI", 110}, {"MT", 108}, {"DE", 99}, {"SD", 89}, {"ND", 78}, {"AK", 73},
		{"DC", 69}, {"VT", 64}, {"WY", 58},
	} {
		w.put(s.people, place{s.state, "US"})
	}
	w.put(130, place{"", "GB"})
	w.put(110, place{"", "CA"})
	w.put(90, place{"", "DE"})
	return &w
}
