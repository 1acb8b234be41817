/**
 * Being woken by other threads: an event of EVFILT_USER.
 *
 * The token says which kqueue, and how to speak to it, so that a thread without a driver of its own
 * can. NetBSD and OpenBSD have no such events; there it is a pipe (posix/wake-pipe.ts).
 */
import type { WakeToken } from '../../kernel/driver/contract.js'
import { Binder } from '../posix/libc.js'
import { ABIS, type Abi, type AbiName, Kevents, NOTE_TRIGGER } from './kevent.js'
import { bindKqueue, type KqueueSource, WAKE } from './kqueue.js'

interface UserToken extends KqueueSource {
  readonly kqueue: number
}

/** The token of a driver with this kqueue. */
export function userToken(kqueue: number, { abi, library }: KqueueSource): WakeToken {
  return { kqueue, abi, library } satisfies UserToken as unknown as WakeToken
}

/** Is this such a token? Programs hand them from thread to thread. */
export function isUserToken(token: unknown): token is WakeToken {
  const { kqueue, abi, library } = (token ?? {}) as Partial<UserToken>
  if (!Number.isInteger(kqueue) || (kqueue as number) < 0 || (library !== null && typeof library !== 'string'))
    return false
  return Object.hasOwn(ABIS, String(abi)) && ABIS[abi as AbiName].USER !== null
}

type Trigger = (kqueue: number) => void
const triggers = new Map<string, Trigger>()

/** Wakes the driver that the token is of. */
export function wakeUser(token: WakeToken): void {
  const { kqueue, abi, library } = token as unknown as UserToken
  const key = `${abi} ${library}`
  let trigger = triggers.get(key)
  if (trigger === undefined) {
    trigger = bindTrigger({ abi, library })
    triggers.set(key, trigger)
  }
  trigger(kqueue)
}

function bindTrigger({ abi, library }: KqueueSource): Trigger {
  const binder = new Binder()
  const { kevent } = bindKqueue(binder, library)
  const { USER }: Abi = ABIS[abi]
  const change = new Kevents(ABIS[abi], 1, (view) => binder.addressOf(view))
  change.set(0, WAKE, USER as number, 0, NOTE_TRIGGER, 0, 0)
  return (kqueue) => void kevent(kqueue, change.at, 1, 0, 0, 0)
}
