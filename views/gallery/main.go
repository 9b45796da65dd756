// Command gallery shows every page and state with invented figures, without a server behind it: for those who work on
// views/ and static/. Its samples are what the golden tests hold.
//
//	go run ./views/gallery [-addr 127.0.0.1:7070]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"warroom/static"
	"warroom/views"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7070", "where to listen")
	flag.Parse()
	log.Printf("http://%s/busy", *addr)
	s := &http.Server{Addr: *addr, Handler: routes(), ReadHeaderTimeout: time.Second}
	log.Fatal(s.ListenAndServe())
}

// contentSecurityPolicy is the server's, so that a breach shows here first.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("GET /worker.js", static.Worker)
	for _, s := range samples() {
		mux.HandleFunc("GET /"+s.Name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			html, err := render(r, s)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(html) //nolint:gosec // templ has escaped it
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for _, s := range samples() {
			_, _ = fmt.Fprintf(w, "<p><a href=/%s>%s</a>", s.Name, s.Name)
		}
	})
	return mux
}

func render(r *http.Request, s sample) ([]byte, error) {
	var html bytes.Buffer
	err := views.Page(s.Layout).Render(templ.WithChildren(r.Context(), s.Content), &html)
	return html.Bytes(), err
}
