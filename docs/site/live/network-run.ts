/**
 * A room on a simulated network, run once: everybody says something now and then, and the server
 * passes it on.
 *
 * A run depends on its seed and on the list of changes and on nothing else. So a change in the
 * middle is another run from the start: until that moment it is the same as the run before.
 */
import {
  type Broadcast,
  type ByteStream,
  broadcast,
  connect,
  DrupeError,
  listen,
  type Operation,
  race,
  random,
  serve,
  sleep,
  sleepUntil,
  timeout,
  use,
} from 'drupe'
import { SimNetwork } from 'drupe/testing'

export const SERVER = 'server'
export const CLIENTS = ['ada', 'grace', 'joan'] as const
/** Who is alone when the network is parted. */
export const [ALONE] = CLIENTS

const PORT = 80
const PATIENCE_MS = 4000
const LINE_BYTES = 1000
const PAUSE_MS = 1000

/** What the network is like from a moment on. */
export interface Change {
  readonly at: number
  /** Milliseconds one way; each packet takes up to half as long again. */
  readonly latency: number
  /** From 0 to 1. */
  readonly loss: number
  readonly parted: boolean
}

export interface Packet {
  readonly from: string
  readonly to: string
  readonly sent: number
  readonly until: number
  readonly lost: boolean
}

/** Something that a host noticed. */
export interface Remark {
  readonly at: number
  readonly host: string
  readonly text: string
}

export interface Story {
  readonly packets: readonly Packet[]
  readonly remarks: readonly Remark[]
}

/** What happens from the start until `end`, in milliseconds. The first change is what it begins with. */
export function simulate(seed: number, [first, ...changes]: readonly Change[], end: number): Story {
  const packets: Packet[] = []
  const remarks: Remark[] = []
  const network: SimNetwork = new SimNetwork({
    seed,
    onPacket: (from, to, sent, lost) => void packets.push({ from, to, sent, until: network.now, lost }),
  })
  const remark = (host: string, text: string): void => void remarks.push({ at: network.now, host, text })
  const clients = CLIENTS.map((name) => [name, { daemon: true, op: () => client(name, remark) }] as const)
  if (first !== undefined) apply(network, first)
  network.run({
    [SERVER]: { daemon: true, op: server },
    ...Object.fromEntries(clients),
    *director() {
      for (const change of changes) {
        yield* sleepUntil(change.at)
        apply(network, change)
      }
      yield* sleepUntil(end)
    },
  })
  return { packets: packets.filter(({ sent }) => sent <= end), remarks: remarks.filter(({ at }) => at < end) }
}

function apply(network: SimNetwork, { latency, loss, parted }: Change): void {
  for (const name of CLIENTS) network.link(SERVER, name, { latency: [latency, latency * 1.5], loss })
  network.heal()
  if (parted) network.partition([ALONE], [SERVER, ...CLIENTS.filter((name) => name !== ALONE)])
}

function* server(): Operation<void> {
  const room = broadcast<string>({ capacity: 100, slow: 'dropOldest' })
  yield* serve(
    yield* listen({ port: PORT }),
    function* (stream) {
      const heard = room.subscribe()
      try {
        yield* race([heard.each((line) => stream.write(`${line}\n`)), () => passOn(stream, room)])
      } finally {
        yield* heard.close()
      }
    },
    { onError: () => {} },
  )
}

function* passOn(stream: ByteStream, room: Broadcast<string>): Operation<void> {
  for (let line = yield* stream.readLine(); line !== null; line = yield* stream.readLine()) yield* room.publish(line)
}

/** Speaks and listens; when nothing was heard for too long, it leaves and calls again. */
function* client(name: string, remark: (host: string, text: string) => void): Operation<never> {
  for (;;) {
    try {
      yield* use(timeout(PATIENCE_MS, connect({ host: SERVER, port: PORT })), function* (stream) {
        remark(name, 'is connected')
        yield* race([() => speak(stream, name), () => hear(stream, name, remark)])
      })
    } catch (error) {
      if (!(error instanceof DrupeError)) throw error
      remark(name, 'hears nothing, and will call again')
    }
    yield* sleep(PAUSE_MS)
  }
}

function* speak(stream: ByteStream, name: string): Operation<never> {
  for (let i = 1; ; i++) {
    yield* sleep(PAUSE_MS * (1 + 2 * (yield* random())))
    yield* stream.write(`${name} ${i}\n`)
  }
}

function* hear(stream: ByteStream, name: string, remark: (host: string, text: string) => void): Operation<void> {
  for (;;) {
    const line = yield* stream.readLine(LINE_BYTES, { timeout: PATIENCE_MS })
    if (line === null) return
    if (!line.startsWith(`${name} `)) remark(name, `hears: ${line}`)
  }
}
