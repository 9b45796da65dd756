package static_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"warroom/static"
)

func get(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestFilesAreServedForEverUnderTheirHash(t *testing.T) {
	for name, kind := range map[string]string{
		"app.css": "text/css; charset=utf-8", "js/app.js": "text/javascript; charset=utf-8", "vendor/htmx.js": "text/javascript; charset=utf-8",
		"vendor/inter.woff2": "font/woff2", "icon.svg": "image/svg+xml", "icon-192.png": "image/png", "manifest.webmanifest": "application/manifest+json",
		"vendor/inter.LICENSE.txt": "text/plain; charset=utf-8",
	} {
		url := static.URL(name)
		if !regexp.MustCompile(`^/static/.+\.[0-9a-f]{10}\.\w+$`).MatchString(url) {
			t.Errorf("URL(%q) = %q: no hash", name, url)
		}
		answer, body := get(t, http.MethodGet, url)
		if answer.StatusCode != http.StatusOK || body == "" {
			t.Errorf("GET %s: %s, %d bytes", url, answer.Status, len(body))
		}
		if got := answer.Header.Get("Content-Type"); got != kind {
			t.Errorf("GET %s: Content-Type %q, want %q", url, got, kind)
		}
		if got := answer.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("GET %s: Cache-Control %q", url, got)
		}
	}
}

// Every reference inside a file leads to a file under its hashed name, and none leaves this host.
func TestReferencesResolve(t *testing.T) {
	relative := regexp.MustCompile(`["'(]\./((?:\.\./)*)([\w./-]+\.(?:js|css|woff2))["')]`)
	for _, name := range []string{"app.css", "js/app.js", "js/live.js"} {
		_, body := get(t, http.MethodGet, static.URL(name))
		found := relative.FindAllStringSubmatch(body, -1)
		if len(found) == 0 {
			t.Errorf("%s refers to nothing", name)
		}
		for _, f := range found {
			if answer, _ := get(t, http.MethodGet, "/static/"+f[2]); answer.StatusCode != http.StatusOK {
				t.Errorf("%s refers to %s: %s", name, f[2], answer.Status)
			}
			if strings.Count(f[1], "../") != strings.Count(name, "/") {
				t.Errorf("%s refers to %s%s, which is elsewhere", name, f[1], f[2])
			}
		}
		if strings.Contains(body, "http://") || strings.Contains(body, "https://") {
			t.Errorf("%s names another host", name)
		}
	}
}

func TestOtherNamesAreRefused(t *testing.T) {
	for _, path := range []string{"/static/app.css", "/static/", "/static/../go.mod", "/static/app.0000000000.css"} {
		answer, _ := get(t, http.MethodGet, path)
		if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: %s, Cache-Control %q", path, answer.Status, answer.Header.Get("Cache-Control"))
		}
	}
	if answer, _ := get(t, http.MethodPost, static.URL("app.css")); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", answer.Status)
	}
	answer, body := get(t, http.MethodHead, static.URL("app.css"))
	if answer.StatusCode != http.StatusOK || body != "" || answer.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %s, %d bytes", answer.Status, len(body))
	}
}

// The service worker has a name that stays and is asked for anew; what it refers to has its hash.
func TestWorker(t *testing.T) {
	w := httptest.NewRecorder()
	static.Worker(w, httptest.NewRequest(http.MethodGet, "/worker.js", nil))
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("worker: %d, Cache-Control %q", w.Code, w.Header().Get("Cache-Control"))
	}
	if name := strings.TrimPrefix(static.URL("app.css"), "/static/"); !strings.Contains(w.Body.String(), "'./"+name+"'") {
		t.Errorf("the worker doesn't name %s: %s", name, w.Body.String())
	}
}

func TestManifestNamesItsIcons(t *testing.T) {
	_, body := get(t, http.MethodGet, static.URL("manifest.webmanifest"))
	for _, icon := range []string{"icon.svg", "icon-192.png", "icon-512.png"} {
		if name := strings.TrimPrefix(static.URL(icon), "/static/"); !strings.Contains(body, `"./`+name+`"`) {
			t.Errorf("the manifest doesn't name %s: %s", name, body)
		}
	}
}

func TestFavicon(t *testing.T) {
	w := httptest.NewRecorder()
	static.Favicon(w, httptest.NewRequest(http.MethodGet, "/favicon.ico", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" || w.Body.Len() == 0 {
		t.Errorf("favicon: %d %s, %d bytes", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
	}
}
