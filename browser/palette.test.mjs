// The palette holds for the common colour-blindnesses: what stands side by side in one picture can be told apart.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const sheet = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '..', 'static', 'app.css'), 'utf8')

// Machado, Oliveira and Fernandes 2009, severity 1: what remains of a colour, in linear light.
const blindness = {
  none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
const linear = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
const seen = (hex, matrix) => matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, f, i) => sum + f * linear(hex)[i], 0))))
function lab([r, g, b]) {
  const xyz = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089]
  const [x, y, z] = xyz.map((v) => (v > 0.008856 ? Math.cbrt(v) : 7.787 * v + 16 / 116))
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}
const apart = (a, b, matrix) => Math.hypot(...lab(seen(a, matrix)).map((v, i) => v - lab(seen(b, matrix))[i]))

/** The colours of a theme, as the sheet has them. */
function colours(theme) {
  const block = theme === 'dark' ? sheet.match(/:root \{([^}]*)\}/)[1] : sheet.match(/:root\[data-theme=light\] \{([^}]*)\}/)[1]
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})\b/g)].map(([, name, hex]) => [name, hex]))
}

// What stands side by side in one picture: the layers of bars, the strokes of lines, the voices of the board. Below 10
// (CIE76) two colours next to each other are hard to tell apart; a dash or a word always helps besides.
const least = 12
const together = [['money', 'money-2', 'traffic', 'mail'], ['traffic', 'traffic-2', 'ink-2', 'bad'], ['money', 'traffic', 'mail', 'bad']]
const dashed = new Set(['ink-2']) // told from its neighbours by its dash
for (const theme of ['dark', 'light']) {
  for (const [name, matrix] of Object.entries(blindness)) {
    test(`${theme}, ${name}: series can be told apart`, () => {
      const palette = colours(theme), close = []
      for (const group of together) {
        group.forEach((a, i) => group.slice(i + 1).forEach((b) => {
          if (dashed.has(a) || dashed.has(b)) return
          const d = apart(palette[a], palette[b], matrix)
          if (!(d >= least)) close.push(`${a} and ${b}: ${d.toFixed(1)}`)
        }))
        for (const a of group) assert.ok(apart(palette[a], palette.bg, matrix) >= 25, `${a} hardly differs from the ground`)
      }
      assert.deepEqual(close, [])
    })
  }
  test(`${theme}: the levels of a map grow with every step`, () => {
    const palette = colours(theme)
    for (const matrix of Object.values(blindness)) {
      const light = Array.from({ length: 10 }, (_, i) => lab(seen(palette['lv' + i], matrix))[0])
      const up = Math.sign(light[9] - light[0])
      light.slice(1).forEach((l, i) => assert.ok((l - light[i]) * up > 1, `lv${i} to lv${i + 1}: ${light[i].toFixed(1)}, ${l.toFixed(1)}`))
    }
  })
}
