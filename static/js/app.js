// The page's start: each part finds its own elements and does nothing where there are none.
import { startTheme } from './theme.js'
import { startClock } from './clock.js'
import { startCharts } from './charts.js'
import { startTiles } from './tiles.js'
import { startLive } from './live.js'

startTheme()
const clock = startClock()
const charts = startCharts(clock)
startTiles()
startLive({ clock, charts })
