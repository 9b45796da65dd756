// What the browser runs between a page and the network once warroom is installed. It keeps no figure and answers no
// question from memory: a page comes from the server, or the screen says that there is no connection. So a wall that
// starts while the server is away says so, and shows the board when it is back.

// The stylesheet's name carries its content, so the stored copy can't be an old one.
const style = '/static/' + './app.css'.slice(2)
const shelf = style

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(shelf).then((c) => c.add(style)).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  const others = caches.keys().then((names) => Promise.all(names.filter((n) => n !== shelf).map((n) => caches.delete(n))))
  event.waitUntil(others.then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.mode === 'navigate' && request.method === 'GET' && url.pathname !== '/enter') {
    event.respondWith(fetch(request).catch(away))
  } else if (url.pathname === style) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(style)) ?? Response.error()))
  }
})

/** The page that says so. It tries again by itself, at a moment of its own: a hundred walls don't come back as one. */
function away() {
  const seconds = 5 + Math.floor(Math.random() * 10)
  return new Response(`<!DOCTYPE html><html lang="en" data-state="stale"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="${seconds}">
<title>Not live – warroom</title><link rel="stylesheet" href="${style}"></head>
<body><header class="top"><span class="name">warroom</span><p class="band lost" role="alert"><b>Not live</b><span>no connection to the server</span></p></header>
<main id="content"><div class="words"><h1>No connection</h1>
<p>warroom does not answer. No figures are shown here rather than old ones.</p>
<p>This page tries again every few seconds. <a href="">Try now</a></p></div></main></body></html>`, {
    status: 503,
    headers: {
      'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
  })
}
