// The whole screen for a board, where the browser has that.

export const canFill = () => document.fullscreenEnabled === true

export function toggleFullScreen() {
  if (!canFill()) return
  if (document.fullscreenElement) document.exitFullscreen()
  else document.documentElement.requestFullscreen().catch(() => {}) // refused: the page stays as it is
}
