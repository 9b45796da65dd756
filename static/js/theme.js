// The theme: from the URL (?theme=dark|light|auto), else what was chosen here before, else what the machine prefers.
// A cookie remembers it, so that the server's first byte already has it and nothing flashes.

const themes = ['auto', 'dark', 'light']

/** @returns {string} the theme that the URL or the cookie asks for, "auto" when neither does */
function wanted() {
  const fromURL = new URLSearchParams(location.search).get('theme')
  const fromCookie = document.cookie.match(/(?:^|; )theme=(\w+)/)?.[1]
  return [fromURL, fromCookie].find((t) => themes.includes(t ?? '')) ?? 'auto'
}

/** @param {string} theme shown and remembered for a year */
function set(theme) {
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
  document.documentElement.dataset.theme = theme
  const button = document.getElementById('theme')
  if (button) {
    button.hidden = false
    button.textContent = `Theme: ${theme}`
  }
  document.dispatchEvent(new Event('warroom:theme'))
}

export function startTheme() {
  set(wanted())
  document.getElementById('theme')?.addEventListener('click', () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? '') + 1) % themes.length]
    const url = new URL(location.href)
    if (url.searchParams.has('theme')) {
      url.searchParams.set('theme', next)
      history.replaceState(null, '', url)
    }
    set(next)
  })
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
    document.dispatchEvent(new Event('warroom:theme'))
  })
}
