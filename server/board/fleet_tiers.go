package board

import (
	"maps"
	"slices"
	"strings"
)

// Tiers say how much hangs on an app.
const (
	takesGifts = 1
	matters    = 2
	canWait    = 3
)

// tier is how much hangs on an app; guessed when the campaign hasn't said so. The set ones are looked up as they are.
func (d desk) tier(app string) (tier int, guessed bool) {
	if tier, ok := d.Tiers[app]; ok {
		return tier, false
	}
	return guessTier(app), true
}

// givingNames are the apps that take gifts, as request_steps has them.
func givingNames() []string { return []string{"donate", "give", "contribute", "donations"} }

// guessTier reads an app's name.
func guessTier(app string) int {
	name := strings.ToLower(app)
	if slices.Contains(givingNames(), name) {
		return takesGifts
	}
	for _, word := range []string{"site", "www", "web", "home", "main", "signup", "pay"} {
		if strings.Contains(name, word) {
			return matters
		}
	}
	return canWait
}

// givingApps are the apps that take gifts: those that the campaign says, and those named so of which it says nothing.
func (d desk) givingApps() []string {
	var apps []string
	for _, name := range givingNames() {
		if _, set := d.Tiers[name]; !set {
			apps = append(apps, name)
		}
	}
	for _, app := range slices.Sorted(maps.Keys(d.Tiers)) {
		if d.Tiers[app] == takesGifts {
			apps = append(apps, app)
		}
	}
	return apps
}

// tierText says how much hangs on an app.
func tierText(tier int) string {
	switch tier {
	case takesGifts:
		return "takes gifts"
	case matters:
		return "matters tonight"
	}
	return "can wait"
}

// engineStrings writes texts as a parameter of type Array(String).
func engineStrings(list []string) string {
	quoted := make([]string, len(list))
	for i, text := range list {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
	}
	return "[" + strings.Join(quoted, ",") + "]"
}
