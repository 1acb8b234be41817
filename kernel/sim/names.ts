/**
 * The names of a simulated network: what a look-up brings, and when.
 *
 * A host's name stands for its addresses at once. Any other name, or the same, can be given an
 * answer of its own: other addresses, an error, a server of names that takes its time. A look-up
 * that takes time is an event on the time line, and can be taken back until then.
 */
import { CLOSED, isKind, type Request } from '../driver/contract.js'
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
  /** The error that was asked for, or 0. */
  readonly failure: number
}

/** Names that have answers of their own. */
export class Names {
  private readonly answers = new Map<string, Answer>()

  constructor(
    private readonly ofHost: (name: string) => readonly IpAddress[],
    private readonly hostAt: (address: IpAddress) => string | null,
  ) {}

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
    const failure = error === undefined ? 0 : error === 'EAI_AGAIN' ? EAI_AGAIN : EAI_NONAME
    const result = failure === 0 && ips.length === 0 ? EAI_NONAME : failure
    this.answers.set(name, { addresses: result === 0 ? ips : [], latency, result, failure })
  }

  of(name: string): Answer {
    const known = this.answers.get(name)
    if (known !== undefined) return known
    const addresses = this.ofHost(name)
    return { addresses, latency: 0, result: addresses.length > 0 ? 0 : EAI_NONAME, failure: 0 }
  }

  /** The names of an address: that of its host, and those that were given it in an answer. */
  reverse(host: string): { readonly names: readonly string[]; readonly latency: number; readonly result: number } {
    const address = addressOf(host)
    const own = address === null ? null : this.hostAt(address)
    const others = [...this.answers].filter(([, { addresses }]) => addresses.some((ip) => ip.host === address?.host))
    const names = [...(own === null ? [] : [own]), ...others.map(([name]) => name).filter((name) => name !== own)]
    const { latency = 0, failure = 0 } = this.answers.get(host) ?? {}
    return { names, latency, result: failure === 0 && names.length === 0 ? EAI_NONAME : failure }
  }
}

/** A look-up, either way. */
type LookUp = Request<'lookup'> | Request<'reverse'>

export function isLookUp(request: Request): request is Request & LookUp {
  return isKind(request, 'lookup') || isKind(request, 'reverse')
}

/** The look-ups of one driver. */
export class Lookups {
  private readonly waiting = new Set<LookUp>()
  private answered: LookUp[] = []

  constructor(
    private readonly names: Names,
    private readonly timeline: Timeline,
    private readonly news: () => void,
  ) {}

  /** True: the answer is there. */
  submit(request: LookUp): boolean {
    const { latency, settle } = isKind(request, 'lookup') ? this.forwards(request) : this.backwards(request)
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
  cancel(request: LookUp): boolean {
    return this.waiting.delete(request)
  }

  /** Those that were answered since it was last asked. */
  take(): readonly LookUp[] {
    return this.answered.splice(0)
  }

  /** All that are not answered, which are CLOSED. */
  close(): readonly LookUp[] {
    const left = [...this.answered, ...this.waiting]
    this.answered = []
    this.waiting.clear()
    for (const request of left) request.result = CLOSED
    return left
  }

  private forwards(request: Request<'lookup'>): { readonly latency: number; settle(): void } {
    const { host, port } = request.input
    const { addresses, latency, result } = this.names.of(host)
    const settle = (): void => {
      request.result = result
      request.output = addresses.map((address) => ({ ...address, port }))
    }
    return { latency, settle }
  }

  private backwards(request: Request<'reverse'>): { readonly latency: number; settle(): void } {
    const { names, latency, result } = this.names.reverse(request.input.host)
    const settle = (): void => {
      request.result = result
      request.output = names
    }
    return { latency, settle }
  }
}
