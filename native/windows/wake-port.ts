/**
 * What is in a wake token on Windows: the number of the driver's port, to which any thread of the
 * process can post.
 */
import type { WakeToken } from '../../kernel/driver/contract.js'
import { openWindows } from './kernel32.js'
import { KEY_WAKE } from './port.js'

interface PortToken {
  readonly port: number
}

/** The token of a driver with this port. */
export function tokenOf(port: number): WakeToken {
  return { port } satisfies PortToken as unknown as WakeToken
}

/** Is this such a token? */
export function isPortToken(token: unknown): token is WakeToken {
  const port = (token as PortToken | null | undefined)?.port
  return Number.isInteger(port) && (port as number) > 0
}

/** Wakes the driver that the token is of. */
export function wakePort(token: WakeToken): void {
  openWindows().postPacket((token as unknown as PortToken).port, 0, KEY_WAKE, 0)
}
