package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caarlos0/env/v11"

	"warroom/server"
	"warroom/server/campaign"
)

const prefix = "WARROOM_"

// config is everything that the environment can say. The tags are the documentation that `warroom help config`
// prints; secret fields can also be given as NAME_FILE.
type config struct {
	Addr        string         `env:"ADDR" envDefault:"127.0.0.1:8080" help:"listen address; port 0 picks a free one"`
	Data        string         `env:"DATA" envDefault:"./data" help:"folder for the spool, the embedded engine's files and local state"`
	Timezone    *time.Location `env:"TIMEZONE" envDefault:"America/New_York" help:"the campaign's time zone: day edges and labels"`
	Currency    string         `env:"CURRENCY" envDefault:"USD" help:"the campaign's currency (ISO 4217): the one of the headlines"`
	PublicURL   publicURL      `env:"PUBLIC_URL" help:"scheme and host that browsers use, for origin checks and links; empty = from the request"`
	Secret      string         `env:"SECRET" secret:"true" help:"signs what leaves the server and keys the hashes of personal data; empty = made at first start and kept in the data folder"`
	SpoolLimit  byteSize       `env:"SPOOL_LIMIT" envDefault:"10GiB" help:"disk space for events that wait for the engine, each of the three streams; beyond it senders get 503"`
	Keep        time.Duration  `env:"KEEP" envDefault:"24h" help:"how long events are kept on disk after they were counted, for warroom replay and repairs; 0 = not at all"`
	KeepBytes   byteSize       `env:"KEEP_BYTES" envDefault:"5GiB" help:"disk space for kept events of all streams: a fifth each for donations and emails, the rest for traffic; the oldest go first"`
	SelfTraffic bool           `env:"SELF_TRAFFIC" envDefault:"true" help:"count warroom's own requests as the app \"warroom\""`

	ClickHouseURL     string `env:"CLICKHOUSE_URL" secret:"true" help:"clickhouse://user:pass@host:9000,host2:9000/campaign?secure=true; empty = the embedded engine"`
	ClickHouseCluster string `env:"CLICKHOUSE_CLUSTER" help:"name of a ClickHouse cluster; not supported by this version, leave it empty"`
	AnalystURL        string `env:"ANALYST_URL" secret:"true" help:"http://user:pass@host:8123 of the read-only account, with CLICKHOUSE_URL only; empty = no SQL for analysts"`

	EngineLibrary string   `env:"ENGINE_LIBRARY" help:"path of libchdb.so; empty = looked for in node_modules, then a clickhouse binary on PATH"`
	EngineMemory  byteSize `env:"ENGINE_MEMORY" envDefault:"0" help:"memory of the embedded engine; 0 = half of the machine, 4GiB at most"`

	RetainRequests time.Duration `env:"RETAIN_REQUESTS" envDefault:"168h" help:"how long single requests are kept"`
	RetainSeconds  time.Duration `env:"RETAIN_SECONDS" envDefault:"48h" help:"how long traffic by the second is kept"`
	RetainMinutes  time.Duration `env:"RETAIN_MINUTES" envDefault:"2160h" help:"how long traffic by the minute is kept"`

	MailPerSecond quota `env:"MAIL_PER_SECOND" help:"mails a second that the mail provider lets through: the mail board shows what of it is used; empty = unknown"`
	MailPerDay    quota `env:"MAIL_PER_DAY" help:"mails in any 24 hours that the mail provider lets through; empty = unknown"`

	Tiers tiers `env:"TIERS" help:"how much hangs on an app, such as donate=1,site=2: 1 takes gifts, 2 matters tonight, 3 can wait; others are guessed by their names"`

	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"INFO" help:"DEBUG, INFO, WARN or ERROR"`
	LogFormat logFormat  `env:"LOG_FORMAT" envDefault:"text" help:"text or json"`
}

// byteSize is a size such as 10GiB, 512MiB or 1048576.
type byteSize int64

func (b *byteSize) UnmarshalText(text []byte) error {
	units := []struct {
		suffix string
		factor int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}
	for _, unit := range units {
		number, ok := strings.CutSuffix(string(text), unit.suffix)
		if !ok {
			continue
		}
		var n int64
		if _, err := fmt.Sscanf(number+"\n", "%d\n", &n); err != nil || n < 0 || n > (1<<62)/unit.factor {
			return errors.New("want a size such as 10GiB, 512MiB or 1048576")
		}
		*b = byteSize(n * unit.factor)
		return nil
	}
	return nil
}

// publicURL is scheme and host, nothing after them.
type publicURL string

func (p *publicURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("want scheme and host such as https://warroom.example.org")
	}
	*p = publicURL(u.Scheme + "://" + u.Host)
	return nil
}

// quota is how many mails the provider lets through; 0 where that is unknown.
type quota float64

func (q *quota) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n > 0) || n > 1e12 {
		return errors.New("want a number above 0 such as 90 or 500000")
	}
	*q = quota(n)
	return nil
}

// tiers are how much hangs on each app, written donate=1,site=2.
type tiers map[string]int

func (t *tiers) UnmarshalText(text []byte) error {
	all := tiers{}
	for pair := range strings.SplitSeq(string(text), ",") {
		app, tier, _ := strings.Cut(pair, "=")
		app, tier = strings.TrimSpace(app), strings.TrimSpace(tier)
		if _, twice := all[app]; app == "" || twice || !slices.Contains([]string{"1", "2", "3"}, tier) {
			return errors.New("want each app once with 1, 2 or 3, such as donate=1,site=2")
		}
		all[app] = int(tier[0] - '0')
	}
	*t = all
	return nil
}

type logFormat string

func (f *logFormat) UnmarshalText(text []byte) error {
	if *f = logFormat(text); *f != "text" && *f != "json" {
		return errors.New("want text or json")
	}
	return nil
}

// loadConfig reads the environment. Its error is one line that names the variable and says what would be right.
func loadConfig(environ []string) (config, error) {
	vars, err := ours(environ)
	if err != nil {
		return config{}, err
	}
	var c config
	err = env.ParseWithOptions(&c, env.Options{Prefix: prefix, Environment: vars})
	if err != nil {
		return config{}, explain(err)
	}
	return c, c.check()
}

// ours picks the WARROOM_ variables, reads those given as files, and refuses unknown ones: a typing mistake in a name
// must not be a setting that is silently not there.
func ours(environ []string) (map[string]string, error) {
	known := map[string]bool{}
	for _, f := range fields() {
		known[f.name] = true
		if f.secret {
			known[f.name+"_FILE"] = true
		}
	}
	vars := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if !known[name] {
			return nil, fmt.Errorf("%s is not a variable of warroom: `warroom help config` lists them%s", name, suggestion(name, known))
		}
		if value != "" {
			vars[name] = value
		}
	}
	return vars, readFiles(vars)
}

func readFiles(vars map[string]string) error {
	for _, f := range fields() {
		path := vars[f.name+"_FILE"]
		if !f.secret || path == "" {
			continue
		}
		if vars[f.name] != "" {
			return fmt.Errorf("%s and %s_FILE are both set: keep one", f.name, f.name)
		}
		content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return fmt.Errorf("%s_FILE: %w: want the path of a readable file that holds the value", f.name, err)
		}
		if vars[f.name] = strings.TrimSpace(string(content)); vars[f.name] == "" {
			return fmt.Errorf("%s_FILE: %s is empty: want the path of a file that holds the value", f.name, path)
		}
		delete(vars, f.name+"_FILE")
	}
	return nil
}

// suggestion names the known variable that differs least, when it is close.
func suggestion(name string, known map[string]bool) string {
	for k := range known {
		if len(k) == len(name) && strings.EqualFold(k, name) || strings.Contains(k, name) || strings.Contains(name, k) {
			return " (did you mean " + k + "?)"
		}
	}
	return ""
}

// explain turns the parser's error into one line in the operator's words.
func explain(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	for _, e := range all.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			continue
		}
		for _, f := range fields() {
			if f.field != parse.Name {
				continue
			}
			says := f.want
			if says == "" { // our own types say it themselves
				says = strings.TrimSpace(parse.Err.Error())
			}
			return fmt.Errorf("%s: %s (%s)", f.name, says, f.help)
		}
	}
	return err
}

// check finds what single values can't show.
func (c config) check() error {
	_, port, err := net.SplitHostPort(c.Addr) // an empty host listens everywhere
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("WARROOM_ADDR: %q is not an address: want host:port such as 127.0.0.1:8080, the port from 0 to 65535", c.Addr)
	}
	_, money := campaign.Exponent(c.Currency)
	switch {
	case c.Timezone.String() == time.Local.String():
		return errors.New("WARROOM_TIMEZONE: Local differs from machine to machine: want a name such as America/New_York")
	case c.ClickHouseCluster != "":
		return errors.New("WARROOM_CLICKHOUSE_CLUSTER: clusters are not supported by this version: leave it empty")
	case !money:
		return fmt.Errorf("WARROOM_CURRENCY: %q is not a currency: want three capital letters of ISO 4217 such as USD", c.Currency)
	case c.Secret != "" && len(c.Secret) < 32:
		return errors.New("WARROOM_SECRET: shorter than 32 characters: want a long random text such as `openssl rand -hex 32` gives")
	case c.AnalystURL != "" && c.ClickHouseURL == "":
		return errors.New("WARROOM_ANALYST_URL: only with WARROOM_CLICKHOUSE_URL: the embedded engine has its own read-only account")
	case c.AnalystURL != "" && !isHTTP(c.AnalystURL):
		return errors.New("WARROOM_ANALYST_URL: want the HTTP side of ClickHouse, such as http://user:pass@host:8123")
	case c.RetainRequests < time.Hour:
		return tooShort("WARROOM_RETAIN_REQUESTS")
	case c.RetainSeconds < time.Hour:
		return tooShort("WARROOM_RETAIN_SECONDS")
	case c.RetainMinutes < time.Hour:
		return tooShort("WARROOM_RETAIN_MINUTES")
	case c.Keep < 0:
		return errors.New("WARROOM_KEEP: less than nothing: want a duration such as 24h, or 0 to keep nothing")
	case c.SpoolLimit < 64<<20:
		return errors.New("WARROOM_SPOOL_LIMIT: less than 64MiB holds no outage: want a size such as 10GiB")
	}
	return nil
}

func tooShort(name string) error {
	return fmt.Errorf("%s: less than an hour: the boards look back that far; want a duration such as 168h", name)
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// options are the server's view of the configuration.
func (c config) options(logger *slog.Logger) server.Options {
	return server.Options{
		Addr: c.Addr, Data: c.Data, Zone: c.Timezone, Currency: c.Currency, PublicURL: string(c.PublicURL),
		Secret: c.Secret, SpoolLimit: int64(c.SpoolLimit), Keep: c.Keep, KeepBytes: int64(c.KeepBytes), SelfTraffic: c.SelfTraffic,
		ClickHouseURL: c.ClickHouseURL, AnalystURL: c.AnalystURL,
		EngineLibrary: c.EngineLibrary, EngineMemory: int64(c.EngineMemory),
		RetainRequests: c.RetainRequests, RetainSeconds: c.RetainSeconds, RetainMinutes: c.RetainMinutes,
		Tiers:         c.Tiers,
		MailPerSecond: float64(c.MailPerSecond), MailPerDay: float64(c.MailPerDay),
		Version: version, Logger: logger,
	}
}

func (c config) logger(out io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, opts))
	}
	return slog.New(slog.NewTextHandler(out, opts))
}

// setting is one documented variable.
type setting struct {
	field, name, help, fallback string
	unit, want                  string // what values look like; what a bad one is told, if its type doesn't say so itself
	secret                      bool
}

// units are what values of a type look like, and what is said to a bad one.
func units(t reflect.Type) (unit, want string) {
	switch t {
	case reflect.TypeFor[*time.Location]():
		return "zone", "no such time zone is known here: want a name of the tz database such as America/New_York"
	case reflect.TypeFor[time.Duration]():
		return "duration", "want a duration in hours, minutes and seconds, such as 168h or 90m"
	case reflect.TypeFor[bool]():
		return "true or false", "want true or false"
	case reflect.TypeFor[byteSize]():
		return "size", ""
	case reflect.TypeFor[publicURL]():
		return "URL", ""
	case reflect.TypeFor[quota]():
		return "number", ""
	case reflect.TypeFor[tiers]():
		return "app=tier list", ""
	case reflect.TypeFor[slog.Level]():
		return "text", "want DEBUG, INFO, WARN or ERROR"
	}
	return "text", ""
}

func fields() []setting {
	t := reflect.TypeFor[config]()
	all := make([]setting, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		unit, want := units(f.Type)
		all = append(all, setting{field: f.Name, name: prefix + f.Tag.Get("env"), help: f.Tag.Get("help"),
			fallback: f.Tag.Get("envDefault"), unit: unit, want: want, secret: f.Tag.Get("secret") != ""})
	}
	return all
}

// helpConfig prints every variable with its default.
func helpConfig(out io.Writer) {
	fmt.Fprintln(out, "warroom is configured by its environment. Secrets can also be given as NAME_FILE, the path of a file.")
	fmt.Fprintln(out, "A size is in bytes, or such as 512MiB or 10GiB; a duration is such as 168h or 90m.")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VARIABLE\tDEFAULT\tUNIT\tMEANING")
	for _, f := range fields() {
		file := ""
		if f.secret {
			file = " (or " + f.name + "_FILE)"
		}
		fallback := f.fallback
		if fallback == "" {
			fallback = "empty"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s%s\n", f.name, fallback, f.unit, f.help, file)
	}
	_ = w.Flush()
}
