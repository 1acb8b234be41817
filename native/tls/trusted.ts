/**
 * Whom Node trusts: its roots, those of NODE_EXTRA_CA_CERTS, and those of the system where that is
 * asked for. As PEM, which every engine reads.
 */
import { environment } from '../../kernel/protocol/host-functions.js'

interface Certificates {
  readonly rootCertificates?: readonly string[]
  getCACertificates?(type: 'default' | 'system'): readonly string[]
}

function certificates(): Certificates {
  return process.getBuiltinModule('node:tls') as Certificates
}

/** The roots of Node; with `system`, those of the system, too, as far as Node tells them. */
export function rootsOfNode(system: boolean): readonly (string | Uint8Array)[] {
  const tls = certificates()
  // Since Node 22.15 it tells all that it trusts, which options of the command line change.
  const known = tls.getCACertificates?.('default') ?? [...(tls.rootCertificates ?? []), ...extra()]
  return system ? [...known, ...(rootsOfSystem() ?? [])] : known
}

/** What the system trusts; null if this Node cannot tell. */
export function rootsOfSystem(): readonly string[] | null {
  return certificates().getCACertificates?.('system') ?? null
}

/** Node warns of a file that it cannot read, and goes on. */
function extra(): readonly Uint8Array[] {
  const file = environment('NODE_EXTRA_CA_CERTS')
  if (file === undefined) return []
  try {
    return [process.getBuiltinModule('node:fs').readFileSync(file)]
  } catch {
    return []
  }
}
