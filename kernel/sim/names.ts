/**
 * The names of a simulated network: what a look-up brings, and when.
 *
 * A host's name stands for its addresses at once. Any other name, or the same, can be given an
 * answer of its own: other addresses, an error, a server of names that takes its time. A look-up
 * that takes time is an event on the time line, and can be taken back until then.
 */
import { CLOSED, type Request } from '../driver/contract.js'
import { checkList, checkOptions, checkTime, checkWord } from '../protocol/operands.js'
import { addressOf, type IpAddress } from './address.js'
import { EAI_AGAIN, EAI_NONAME } from './errno.js'
import type { Timeline } from './timeline.js'

/** What a look-up of a name brings. */
export interface NameAnswer {
  /** IP addresses, in this order. Default: none, which is ENOTFOUND. */
  readonly addresses?: readonly string[]
  /** Milliseconds until the answer is there. Default 0. */
  readonly latency?: number
  /** It fails: there is no such name, or the server of names does not answer. */
  readonly error?: 'ENOTFOUND' | 'EAI_AGAIN'
}

/** The answer, as a driver gives it. */
interface Answer {
  readonly addresses: readonly IpAddress[]
  readonly latency: number
  readonly result: number
}

/** Names that have answers of their own. */
export class Names {
  private readonly answers = new Map<string, Answer>()

  constructor(private readonly ofHost: (name: string) => readonly IpAddress[]) {}

  set(name: string, answer: NameAnswer): void {
    const action = `answer for the name ${name}`
    checkOptions(action, 'answer', answer)
    const { addresses = [], latency = 0, error } = answer
    checkList(action, 'addresses', addresses)
    checkTime(action, 'latency', latency)
    if (error !== undefined) checkWord(action, 'error', error, ['ENOTFOUND', 'EAI_AGAIN'])
    const ips = addresses.map((text) => {
      const address = addressOf(text)
      if (address === null) throw new RangeError(`Cannot ${action}: "${text}" is no IP address`)
      return address
    })
    const failure = error === 'EAI_AGAIN' ? EAI_AGAIN : EAI_NONAME
    const result = error === undefined && ips.length > 0 ? 0 : failure
    this.answers.set(name, { addresses: result === 0 ? ips : [], latency, result })
  }

  of(name: string): Answer {
    const known = this.answers.get(name)
    if (known !== undefined) return known
    const addresses = this.ofHost(name)
    return { addresses, latency: 0, result: addresses.length > 0 ? 0 : EAI_NONAME }
  }
}

/** The look-ups of one driver. */
export class Lookups {
  private readonly waiting = new Set<Request<'lookup'>>()
  private answered: Request<'lookup'>[] = []

  constructor(
    private readonly names: Names,
    private readonly timeline: Timeline,
    private readonly news: () => void,
  ) {}

  /** True: the answer is there. */
  submit(request: Request<'lookup'>): boolean {
    const { host, port } = request.input
    const { addresses, latency, result } = this.names.of(host)
    const settle = (): void => {
      request.result = result
      request.output = addresses.map((address) => ({ ...address, port }))
    }
    if (latency === 0) {
      settle()
      return true
    }
    this.waiting.add(request)
    if (latency < Number.POSITIVE_INFINITY) {
      this.timeline.after(latency, () => {
        if (!this.waiting.delete(request)) return
        settle()
        this.answered.push(request)
        this.news()
      })
    }
    return false
  }

  /** True: it will not be answered. */
  cancel(request: Request<'lookup'>): boolean {
    return this.waiting.delete(request)
  }

  /** Those that were answered since it was last asked. */
  take(): readonly Request<'lookup'>[] {
    return this.answered.splice(0)
  }

  /** All that are not answered, which are CLOSED. */
  close(): readonly Request<'lookup'>[] {
    const left = [...this.answered, ...this.waiting]
    this.answered = []
    this.waiting.clear()
    for (const request of left) request.result = CLOSED
    return left
  }
}
