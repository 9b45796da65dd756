package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	c, err := loadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.Data != "./data" || c.Timezone.String() != "America/New_York" || c.ClickHouseURL != "" {
		t.Errorf("defaults: %+v", c)
	}
	if c.Keep != 24*time.Hour || c.KeepBytes != 5<<30 {
		t.Errorf("kept for replays: %v, %d bytes", c.Keep, c.KeepBytes)
	}
	if c.RetainRequests != 7*24*time.Hour || c.RetainSeconds != 48*time.Hour || c.RetainMinutes != 90*24*time.Hour {
		t.Errorf("lifetimes: %v %v %v", c.RetainRequests, c.RetainSeconds, c.RetainMinutes)
	}
}

func TestBadValuesAreNamedInOneLine(t *testing.T) {
	for pair, says := range map[string]string{
		"WARROOM_ADDR=8080":                  "host:port",
		"WARROOM_ADDR=127.0.0.1:99999":       "65535",
		"WARROOM_TIMEZONE=Mars/Olympus":      "America/New_York",
		"WARROOM_TIMEZONE=Local":             "America/New_York",
		"WARROOM_PUBLIC_URL=example.org":     "https://warroom.example.org",
		"WARROOM_SECRET=short":               "32 characters",
		"WARROOM_SPOOL_LIMIT=1":              "64MiB",
		"WARROOM_SPOOL_LIMIT=10GB":           "10GiB",
		"WARROOM_KEEP=-1h":                   "24h",
		"WARROOM_KEEP_BYTES=much":            "10GiB",
		"WARROOM_RETAIN_SECONDS=1s":          "168h",
		"WARROOM_RETAIN_REQUESTS=7d":         "168h",
		"WARROOM_CURRENCY=dollars":           "USD",
		"WARROOM_CURRENCY=USX":               "ISO 4217",
		"WARROOM_LOG_FORMAT=xml":             "text or json",
		"WARROOM_LOG_LEVEL=loud":             "DEBUG, INFO",
		"WARROOM_SELF_TRAFFIC=maybe":         "true or false",
		"WARROOM_CLICKHOUSE_CLUSTER=one":     "not supported",
		"WARROOM_ANALYST_URL=http://x@y":     "WARROOM_CLICKHOUSE_URL",
		"WARROOM_MAIL_PER_SECOND=fast":       "above 0",
		"WARROOM_MAIL_PER_DAY=-1":            "above 0",
		"WARROOM_TIMEZON=UTC":                "did you mean WARROOM_TIMEZONE",
		"WARROOM_SECRET_FILE=/nowhere/at/al": "readable file",
	} {
		name, _, _ := strings.Cut(pair, "=")
		_, err := loadConfig([]string{pair})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v, want %q", pair, err, says)
			continue
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", pair, err)
		}
	}
}

func TestSecretsComeFromFilesToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	secret := strings.Repeat("s", 40)
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig([]string{"WARROOM_SECRET_FILE=" + path})
	if err != nil || c.Secret != secret {
		t.Errorf("%q, %v", c.Secret, err)
	}
	if _, err := loadConfig([]string{"WARROOM_SECRET_FILE=" + path, "WARROOM_SECRET=" + secret}); err == nil {
		t.Error("both were taken")
	}
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig([]string{"WARROOM_SECRET_FILE=" + path}); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("an empty file: %v", err) // a secret made instead would turn every donor into a new one
	}
}

func TestHelpListsEveryVariable(t *testing.T) {
	var out bytes.Buffer
	if code := run([]string{"help", "config"}, &out, &out); code != 0 {
		t.Fatal(code)
	}
	for _, f := range fields() {
		if !strings.Contains(out.String(), f.name) || f.help == "" || f.unit == "" {
			t.Errorf("%s is not explained", f.name)
		}
	}
}

func TestWrongUsageIsExitCodeTwo(t *testing.T) {
	for _, args := range [][]string{
		{"fly"}, {"serve", "now"}, {"token"}, {"token", "create"}, {"token", "create", "--name", "x", "--role", "boss"},
		{"token", "create", "--name", "x", "--role", "feed", "--kinds", "money"}, {"token", "revoke"}, {"migrate", "down"},
		{"doctor", "--loud"}, {"simulate", "--scenario", "mars"}, {"version", "now"}, {"help", "fly"},
	} {
		_, errs, code := warroom(t, t.TempDir(), args...)
		if code != 2 || errs == "" {
			t.Errorf("warroom %s: exit %d, %q", strings.Join(args, " "), code, errs)
		}
	}
	if out, _, code := warroom(t, t.TempDir(), "version", "--json"); code != 0 || !strings.HasPrefix(out, `{"version":"`) {
		t.Errorf("version --json: %d %q", code, out)
	}
	if out, _, code := warroom(t, t.TempDir(), "version"); code != 0 || !strings.HasPrefix(out, "warroom ") {
		t.Errorf("version: %d %q", code, out)
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	t.Setenv("WARROOM_TIMEZON", "x") // who asks for help may have the configuration wrong
	asked := [][]string{{"token", "create"}, {"token", "list"}, {"token", "revoke"}, {"simulate", "check"}, {"migrate", "status"}}
	for _, cmd := range commands() {
		asked = append(asked, []string{cmd.name})
	}
	for _, args := range asked {
		for _, way := range [][]string{append(args, "--help"), append(args, "-h"), append([]string{"help"}, args...)} {
			var out, errs bytes.Buffer
			code := run(way, &out, &errs)
			if code != 0 || !strings.HasPrefix(out.String(), "usage: warroom") || !strings.Contains(out.String(), args[0]) || errs.Len() > 0 {
				t.Errorf("warroom %s: exit %d\n%s%s", strings.Join(way, " "), code, &out, &errs)
			}
		}
	}
}

func TestTiers(t *testing.T) {
	c, err := loadConfig([]string{"WARROOM_TIERS=donate=1, my shop=1,site=2"})
	if want := (tiers{"donate": 1, "my shop": 1, "site": 2}); err != nil || !maps.Equal(c.Tiers, want) {
		t.Errorf("%v (%v), want %v", c.Tiers, err, want)
	}
	for _, bad := range []string{"donate", "donate=0", "donate=4", "=1", "donate=1,donate=2", "donate=1,", "donate=high"} {
		_, err := loadConfig([]string{"WARROOM_TIERS=" + bad})
		if err == nil || !strings.Contains(err.Error(), "WARROOM_TIERS") || !strings.Contains(err.Error(), "donate=1,site=2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
