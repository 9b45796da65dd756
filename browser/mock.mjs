// A page of the real server whose websocket is played by the test: frames come exactly when and as the test says.
import { open } from './warroom.mjs'

/** @returns what open() gives, and send(frame), which gives the frame what every frame has */
export async function openPlayed(context, url) {
  const opened = await open(context)
  let socket, seq = 0, connect
  const connected = new Promise((resolve) => { connect = resolve })
  await opened.page.routeWebSocket(/\/live\?/, (ws) => { socket = ws; connect() })
  const send = (frame) => {
    const whole = { seq: ++seq, at: new Date().toISOString(), sent: Date.now(), ...frame }
    socket.send(JSON.stringify(whole))
    return whole.seq
  }
  const pulse = (data = {}) => send({ topic: 'pulse', data: { data_at: new Date().toISOString(), feeds: 1, of: 1, doubt: '', viewers: 1, queries: 1, lag_ms: {}, ...data } })
  await opened.page.goto(url)
  await connected
  pulse()
  await opened.page.waitForSelector('html[data-state=live]')
  return { ...opened, send, pulse }
}
