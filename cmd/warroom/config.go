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
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caarlos0/env/v11"

	"warroom/server"
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
	SpoolLimit  bytes          `env:"SPOOL_LIMIT" envDefault:"10GiB" help:"disk space for events that wait for the engine, each of the three streams; beyond it senders get 503"`
	SelfTraffic bool           `env:"SELF_TRAFFIC" envDefault:"true" help:"count warroom's own requests as the app \"warroom\""`

	ClickHouseURL     string `env:"CLICKHOUSE_URL" secret:"true" help:"clickhouse://user:pass@host:9000,host2:9000/campaign?secure=true; empty = the embedded engine"`
	ClickHouseCluster string `env:"CLICKHOUSE_CLUSTER" help:"name of a ClickHouse cluster; not supported by this version, leave it empty"`
	AnalystURL        string `env:"ANALYST_URL" secret:"true" help:"http://user:pass@host:8123 of the read-only account, with CLICKHOUSE_URL only; empty = no SQL for analysts"`

	EngineLibrary string `env:"ENGINE_LIBRARY" help:"path of libchdb.so; empty = looked for in node_modules, then a clickhouse binary on PATH"`
	EngineMemory  bytes  `env:"ENGINE_MEMORY" envDefault:"0" help:"memory of the embedded engine; 0 = half of the machine, 4GiB at most"`

	RetainRequests time.Duration `env:"RETAIN_REQUESTS" envDefault:"168h" help:"how long single requests are kept"`
	RetainSeconds  time.Duration `env:"RETAIN_SECONDS" envDefault:"48h" help:"how long traffic by the second is kept"`
	RetainMinutes  time.Duration `env:"RETAIN_MINUTES" envDefault:"2160h" help:"how long traffic by the minute is kept"`

	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"INFO" help:"DEBUG, INFO, WARN or ERROR"`
	LogFormat logFormat  `env:"LOG_FORMAT" envDefault:"text" help:"text or json"`
}

// bytes is a size such as 10GiB, 512MiB or 1048576.
type bytes int64

func (b *bytes) UnmarshalText(text []byte) error {
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
		*b = bytes(n * unit.factor)
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
		vars[f.name] = strings.TrimSpace(string(content))
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
			if f.field == parse.Name {
				return fmt.Errorf("%s: %s: it is %s", f.name, strings.TrimSpace(parse.Err.Error()), f.help)
			}
		}
	}
	return err
}

// check finds what single values can't show.
func (c config) check() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil || port == "" {
		return fmt.Errorf("WARROOM_ADDR: %q is not an address: want host:port such as 127.0.0.1:8080", c.Addr)
	}
	_ = host // an empty host listens everywhere
	switch {
	case c.ClickHouseCluster != "":
		return errors.New("WARROOM_CLICKHOUSE_CLUSTER: clusters are not supported by this version: leave it empty")
	case len(c.Currency) != 3 || c.Currency != strings.ToUpper(c.Currency):
		return fmt.Errorf("WARROOM_CURRENCY: %q is not a currency: want three capital letters such as USD", c.Currency)
	case c.Secret != "" && len(c.Secret) < 32:
		return errors.New("WARROOM_SECRET: shorter than 32 characters: want a long random text such as `openssl rand -hex 32` gives")
	case c.AnalystURL != "" && c.ClickHouseURL == "":
		return errors.New("WARROOM_ANALYST_URL: only with WARROOM_CLICKHOUSE_URL: the embedded engine has its own read-only account")
	case c.RetainRequests < time.Hour || c.RetainSeconds < time.Hour || c.RetainMinutes < time.Hour:
		return errors.New("WARROOM_RETAIN_…: less than an hour: the boards look back that far; want a duration such as 168h")
	case c.SpoolLimit < 64<<20:
		return errors.New("WARROOM_SPOOL_LIMIT: less than 64MiB holds no outage: want a size such as 10GiB")
	}
	return nil
}

// options are the server's view of the configuration.
func (c config) options(logger *slog.Logger) server.Options {
	return server.Options{
		Addr: c.Addr, Data: c.Data, Zone: c.Timezone, Currency: c.Currency, PublicURL: string(c.PublicURL),
		Secret: c.Secret, SpoolLimit: int64(c.SpoolLimit), SelfTraffic: c.SelfTraffic,
		ClickHouseURL: c.ClickHouseURL, AnalystURL: c.AnalystURL,
		EngineLibrary: c.EngineLibrary, EngineMemory: int64(c.EngineMemory),
		RetainRequests: c.RetainRequests, RetainSeconds: c.RetainSeconds, RetainMinutes: c.RetainMinutes,
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
	secret                      bool
}

func fields() []setting {
	t := reflect.TypeFor[config]()
	all := make([]setting, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		all = append(all, setting{field: f.Name, name: prefix + f.Tag.Get("env"), help: f.Tag.Get("help"),
			fallback: f.Tag.Get("envDefault"), secret: f.Tag.Get("secret") != ""})
	}
	return all
}

// helpConfig prints every variable with its default.
func helpConfig(out io.Writer) {
	fmt.Fprintln(out, "warroom is configured by its environment. Secrets can also be given as NAME_FILE, the path of a file.")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range fields() {
		file := ""
		if f.secret {
			file = " (or " + f.name + "_FILE)"
		}
		fallback := f.fallback
		if fallback == "" {
			fallback = "empty"
		}
		fmt.Fprintf(w, "%s\t%s\t%s%s\n", f.name, fallback, f.help, file)
	}
	_ = w.Flush()
}
