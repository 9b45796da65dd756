// Package static holds what browsers load besides pages: stylesheet, scripts, font and vendored libraries, embedded
// under names that carry a hash of their content. It knows nothing of ours and never reads a disk. It promises that a
// URL it gave out always means the same bytes, so browsers may keep them for ever.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// prefix is where the server mounts Handler.
const prefix = "/static/"

//go:embed *.css *.svg *.png *.webmanifest worker.js js vendor
var files embed.FS

// asset is one file as it is served: its references to other files point at their hashed names.
type asset struct {
	name string // "js/live.2f6c1e0a9b.js"
	body []byte
	kind string // content type
}

// build is made once: every file by its plain name, and by the name it is served under.
type build struct {
	plain, served map[string]asset
}

var built = sync.OnceValue(newBuild)

// URL is where a browser finds a file, "app.css" → "/static/app.2f6c1e0a9b.css". A name that isn't embedded panics:
// it is a mistake in this program that the first page shows.
func URL(name string) string {
	a, ok := built().plain[name]
	if !ok {
		panic("static: no file " + name)
	}
	return prefix + a.name
}

// Handler serves the files under their hashed names, for ever cacheable, and nothing else.
func Handler() http.Handler {
	b := built()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := b.served[strings.TrimPrefix(r.URL.Path, prefix)]
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "files are only read: use GET", http.StatusMethodNotAllowed)
		case !ok:
			w.Header().Set("Cache-Control", "no-store") // it may be a name of the next version
			http.Error(w, "no such file in this version of warroom: reload the page", http.StatusNotFound)
		default:
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			a.write(w, r)
		}
	})
}

// Worker serves the service worker under a name that stays, so that a browser finds the next version of it there.
func Worker(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	built().plain["worker.js"].write(w, r)
}

// Favicon serves the icon to browsers that ask for it by habit.
func Favicon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	built().plain["icon.svg"].write(w, r)
}

func (a asset) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the client has gone when this fails
	}
}

func newBuild() build {
	b := build{plain: map[string]asset{}, served: map[string]asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b.add(name, nil)
		}
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return b
}

// reference is a quoted or bracketed relative path in a script, a stylesheet or the manifest.
var reference = regexp.MustCompile(`(["'(])(\.{1,2}/[\w./-]+\.(?:js|css|woff2|svg|png))(["')])`)

// add takes a file in, after the files it refers to: their hashes are part of its content, and so of its own hash.
func (b *build) add(name string, above []string) asset {
	if a, ok := b.plain[name]; ok {
		return a
	}
	for _, n := range above {
		if n == name {
			panic(fmt.Sprintf("static: files refer to each other in a circle: %s", append(above, name)))
		}
	}
	body, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("static: %v, named by %v", err, above))
	}
	if ext := path.Ext(name); ext == ".js" || ext == ".css" || ext == ".webmanifest" {
		body = b.rewrite(name, body, append(above, name))
	}
	a := asset{name: hashed(name, body), body: body, kind: contentType(name)}
	b.plain[name], b.served[a.name] = a, a
	return a
}

// rewrite points a file's references at hashed names. Vendored files refer to nothing.
func (b *build) rewrite(name string, body []byte, above []string) []byte {
	if strings.HasPrefix(name, "vendor/") {
		return body
	}
	return reference.ReplaceAllFunc(body, func(found []byte) []byte {
		part := reference.FindSubmatch(found)
		to := b.add(path.Join(path.Dir(name), string(part[2])), above)
		relative := strings.Repeat("../", strings.Count(name, "/")) + to.name
		return bytes.Join([][]byte{part[1], []byte("./" + relative), part[3]}, nil)
	})
}

// hashed puts ten digits of the content's SHA-256 before the extension: enough to tell versions apart.
func hashed(name string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
}

// contentType doesn't ask the machine's own list, which differs from one to the next.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return mime.FormatMediaType("application/octet-stream", nil)
}
