// The theme: from the URL (?theme=dark|light|auto), else what was chosen here before, else what the machine prefers.
// A cookie remembers it, so that the server's first byte already has it and nothing flashes.

export const themes = ['auto', 'dark', 'light']

/** @returns {string} the theme that the URL or the cookie asks for, "auto" when neither does */
function wanted() {
  const fromURL = new URLSearchParams(location.search).get('theme')
  const fromCookie = document.cookie.match(/(?:^|; )theme=(\w+)/)?.[1]
  return [fromURL, fromCookie].find((t) => themes.includes(t ?? '')) ?? 'auto'
}

/** @param {string} theme shown and remembered for a year */
export function setTheme(theme) {
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
  document.documentElement.dataset.theme = theme
  const url = new URL(location.href)
  if (url.searchParams.has('theme')) {
    url.searchParams.set('theme', theme)
    history.replaceState(null, '', url)
  }
  for (const link of document.querySelectorAll('a[href*="theme="]')) { // what the page's links keep is the choice of now
    link.setAttribute('href', (link.getAttribute('href') ?? '').replace(/([?&]theme=)\w+/, '$1' + theme))
  }
  tint(theme)
  const button = document.getElementById('theme')
  if (button) {
    button.hidden = false
    button.textContent = `Theme: ${theme}`
  }
  document.dispatchEvent(new Event('warroom:theme'))
}

/** The colour of the browser's own frame. */
function tint(/** @type {string} */ theme) {
  for (const meta of document.querySelectorAll('meta[name=theme-color]')) {
    const own = meta.getAttribute('media')?.includes('dark') ? 'dark' : 'light'
    meta.setAttribute('content', { dark: '#0b0f14', light: '#fbfaf7' }[theme === 'auto' ? own : theme] ?? '')
  }
}

export function startTheme() {
  setTheme(wanted())
  document.getElementById('theme')?.addEventListener('click', () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? '') + 1) % themes.length]
    setTheme(next)
  })
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
    document.dispatchEvent(new Event('warroom:theme'))
  })
}
