/**
 * Random traffic: a server and a few clients on a simulated network where things go wrong, as a scenario for the explorer.
 *
 * Clients send messages and read the echo, in odd pieces, with limits that run out and tasks that are cancelled; hosts
 * are cut off, reset, crash and come back. Whatever happens: what a client reads is a prefix of what it wrote, every task
 * ends, every socket is closed, and the same choices take the same course.
 */
import { connect, listen, moveOn, nursery, type Operation, type Stream, serve, sleep, spawn } from 'drupe'
import { type Choices, SimNetwork } from 'drupe/testing'

const EXPECTED =
  /^(DRUPE_TIMEOUT|DRUPE_CLOSED|DRUPE_BROKEN|ECONNRESET|EPIPE|ETIMEDOUT|ECONNREFUSED|DRUPE_TASK_CANCELLED)$/

/** What a scenario did, line by line. */
export function traffic(choices: Choices): string[] {
  const log: string[] = []
  const network = new SimNetwork({
    seed: choices.seed,
    latency: choices.pick([0, 1, [1, 20] as const, 50]),
    loss: choices.pick([0, 0, 0.05, 0.3]),
    bandwidth: choices.pick([Number.POSITIVE_INFINITY, 1_000_000, 20_000]),
  })
  const style = (): 'readiness' | 'completion' => choices.pick(['readiness', 'completion'])
  const partial = choices.pick([0, 0.3, 0.9])
  network.host('server', {
    style: style(),
    partial,
    skew: choices.pick([0, 5, -1000]),
    descriptors: choices.pick([100, 6]),
  })
  const clients = Array.from({ length: choices.integer(1, 3) }, (_, i) => `client${i}`)
  const programs: Record<string, (() => Operation<unknown>) | { op: () => Operation<unknown>; daemon: true }> = {
    server: { op: server, daemon: true },
  }
  for (const name of clients) {
    network.host(name, { style: style(), partial, rate: choices.pick([1, 1.25, 0.5]) })
    programs[name] = client(name, choices, log)
  }
  const faults = Array.from({ length: choices.integer(0, 4) }, () => fault(network, clients, choices))
  programs.faults = function* () {
    for (const one of faults) {
      yield* sleep(one.ms)
      one.strike()
      log.push(`${network.now} ${one.kind}`)
    }
  }
  network.run(programs, { grace: choices.pick([5000, 0, Number.POSITIVE_INFINITY]) })
  log.push(`${network.now} over`)
  return log
}

/** Something that goes wrong, and how long after the one before. */
interface Fault {
  readonly kind: string
  readonly ms: number
  strike(): void
}

function fault(network: SimNetwork, clients: readonly string[], choices: Choices): Fault {
  const client = choices.pick(clients)
  const kinds: Record<string, () => void> = {
    heal: () => network.heal(),
    reset: () => network.reset(client, 'server'),
    partition: () => network.partition([client], ['server']),
    mute: () => network.mute('server', client),
    crash: () => network.crash('server'),
    restart: () => network.restart('server', server),
  }
  const kind = choices.pick(Object.keys(kinds))
  const strike = (): void => {
    if (kind === 'restart') kinds['crash']?.()
    kinds[kind]?.()
  }
  return { kind, ms: choices.integer(0, 300), strike }
}

function* server(): Operation<void> {
  yield* serve(yield* listen({ port: 80 }), echo, { onError: expect })
}

function* echo(stream: Stream): Operation<void> {
  for (let got = yield* stream.borrow(); got !== null; got = yield* stream.borrow()) yield* stream.write(got.slice())
}

function client(name: string, choices: Choices, log: string[]): () => Operation<void> {
  const rounds = Array.from({ length: choices.integer(1, 4) }, () => ({
    bytes: choices.pick([1, 10, 3000, 200_000]),
    writeMs: choices.pick([Number.POSITIVE_INFINITY, 1, 30]),
    readMs: choices.pick([1000, 3, 50]),
    way: choices.pick(['exactly', 'pieces', 'cancelled', 'end', 'pause'] as const),
  }))
  return function* () {
    yield* sleep(1)
    for (const [i, round] of rounds.entries()) {
      let read = 0
      try {
        const stream = yield* connect({ host: 'server', port: 80, timeout: 2000 })
        try {
          yield* nursery(function* (n) {
            const content = Uint8Array.from({ length: round.bytes }, (_, at) => (at * 31 + (at >> 8)) & 255)
            const writing = yield* n.spawn(function* writer() {
              yield* stream.write(content, { timeout: round.writeMs })
              if (round.way === 'end') yield* stream.end()
            })
            if (round.way === 'pause') yield* sleep(20)
            const whole = round.way === 'exactly' ? round.bytes : 1
            while (read < round.bytes) {
              const got = yield* receive(stream, round.way, whole, round.readMs)
              if (got.some((byte, k) => byte !== content[read + k])) throw new Error(`a wrong byte after ${read}`)
              read += got.length
              if (got.length === 0) break
            }
            if (round.way === 'pieces') yield* writing.cancel()
          })
        } finally {
          yield* stream.close()
        }
        log.push(`${name} ${i} read ${read}`)
      } catch (error) {
        expect(error)
        log.push(`${name} ${i} read ${read}, then ${(error as { code: string }).code}`)
      }
    }
  }
}

/** Some bytes, gotten in one of several ways; none at the end. */
function* receive(stream: Stream, way: string, whole: number, ms: number): Operation<Uint8Array> {
  if (way === 'exactly') return yield* stream.readExactly(whole, { timeout: ms * 100 })
  if (way === 'cancelled') {
    // A reader that is cancelled in the middle has either read and says so, or has read nothing.
    const reading = yield* spawn(() => stream.read(1000))
    yield* moveOn(ms / 10, () => reading.wait())
    yield* reading.cancel()
    if (reading.state === 'done') return reading.result ?? new Uint8Array(0)
    if (reading.state === 'failed') throw reading.error
  }
  return (yield* stream.read(5000, { timeout: ms * 20 })) ?? new Uint8Array(0)
}

function expect(error: unknown): void {
  if (!EXPECTED.test(String((error as { code?: unknown } | null)?.code))) throw error
}
