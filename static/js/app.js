// The page's start: each part finds its own elements and does nothing where there are none.
import { startTheme } from './theme.js'
import { startClock } from './clock.js'
import { startCharts } from './charts.js'
import { startInstall } from './install.js'
import { startKeys } from './keys.js'
import { startLive } from './live.js'
import { startPalette } from './palette.js'
import { startRecords, startSaying } from './say.js'
import { startSwipe } from './swipe.js'
import { startTables } from './tables.js'
import { startTiles } from './tiles.js'
import { Truth } from './truth.js'

startTheme()
const clock = startClock()
const charts = startCharts()
const truth = new Truth(clock)
startTables()
startTiles()
startRecords()
startSaying()
startPalette()
startKeys()
startSwipe()
startLive({ clock, charts, truth })
startInstall()
