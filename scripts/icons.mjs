// Makes the icons of the installed app from static/icon.svg, on a full square: the system cuts its own shape from it.
//
//	node scripts/icons.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch } from '../browser/warroom.mjs'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'static')
const whole = readFileSync(join(folder, 'icon.svg'), 'utf8').replace(' rx="6"', '')
// What stands outside the middle four fifths may be cut off.
const svg = whole.replace('<path', '<path transform="translate(4.6 4.6) scale(.7125)"')

const browser = await launch()
for (const size of [192, 512]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.goto('data:image/svg+xml,' + encodeURIComponent(svg))
  writeFileSync(join(folder, `icon-${size}.png`), await page.screenshot())
  await page.close()
}
await browser.close()
