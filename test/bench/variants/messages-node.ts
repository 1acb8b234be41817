/**
 * Messages from another process with `process.send` of Node, as structured clones or as JSON.
 */
import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { now, perItem, print } from './measure.js'
import { FLOOD, MESSAGE, type Order, PING_PONG } from './messages-work.js'

const [kind, part = ''] = process.argv.slice(2)

function answer(): void {
  process.on('message', (order: Order) => {
    if ('end' in order) process.disconnect()
    else if ('echo' in order) process.send?.(order.echo)
    else for (let i = 0; i < order.flood; i++) process.send?.(MESSAGE)
  })
}

async function measure(serialization: 'advanced' | 'json'): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['child'], { serialization })
  const say = (order: Order): unknown => child.send(order as Serializable)
  const count = part === 'flood' ? FLOOD : PING_PONG
  const timed = (n: number): Promise<number> =>
    new Promise((resolve) => {
      let left = n
      const begin = now()
      const heard = (): void => {
        if (--left > 0) {
          if (part !== 'flood') say({ echo: MESSAGE })
          return
        }
        child.off('message', heard)
        resolve(now() - begin)
      }
      child.on('message', heard)
      say(part === 'flood' ? { flood: n } : { echo: MESSAGE })
    })
  print({ [part]: (await perItem(count, timed)) / 1000 })
  say({ end: true })
  await once(child, 'exit')
}

if (kind === 'child') answer()
else await measure(kind === 'json' ? 'json' : 'advanced')
