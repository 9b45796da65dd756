// Copies what browsers need from node_modules into static/vendor, with the licences. Same packages, same bytes.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const from = join(root, 'node_modules')
const to = join(root, 'static', 'vendor')

const scripts = {
  'htmx.js': 'htmx.org/dist/htmx.min.js',
  'hx-ws.js': 'htmx.org/dist/ext/hx-ws.min.js',
  'uplot.js': 'uplot/dist/uPlot.iife.min.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
}
const copies = {
  'inter.woff2': '@fontsource-variable/inter/files/inter-latin-opsz-normal.woff2',
  'htmx.LICENSE.txt': 'htmx.org/LICENSE',
  'uplot.LICENSE.txt': 'uplot/LICENSE',
  'inter.LICENSE.txt': '@fontsource-variable/inter/LICENSE',
}

mkdirSync(to, { recursive: true })
const wanted = new Set([...Object.keys(scripts), ...Object.keys(copies)])
for (const name of readdirSync(to)) if (!wanted.has(name)) rmSync(join(to, name))
for (const [name, path] of Object.entries(copies)) copyFileSync(join(from, path), join(to, name))
for (const [name, path] of Object.entries(scripts)) {
  // The maps are not shipped: without the line that names them no browser asks for one.
  const text = readFileSync(join(from, path), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')
  writeFileSync(join(to, name), text)
}
console.log(`static/vendor: ${[...wanted].sort().join(' ')}`)
