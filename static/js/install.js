// Makes warroom something a phone or a wall can install. The worker keeps no figures: see worker.js.

export function startInstall() {
  navigator.serviceWorker?.register('/worker.js').catch(() => {}) // without it all works but the page for no connection
}
