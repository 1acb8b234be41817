/**
 * Whom to trust: the roots of Node, those of NODE_EXTRA_CA_CERTS, those of the system.
 *
 * Reading a hundred and forty certificates takes 10 ms, so a thread does it once, and all of its
 * contexts that trust the same share one store.
 */
import { rootsOfNode } from '../tls/trusted.js'
import { readCertificates } from './certificates.js'
import type { Openssl } from './library.js'

const stores = new Map<string, number>()

/** A store of these certificates; without any, of those that Node trusts. */
export function storeOf(openssl: Openssl, ca: readonly (string | Uint8Array)[] | undefined, system: boolean): number {
  if (ca !== undefined) return fill(openssl, ca, system)
  const key = system ? 'system' : 'default'
  let store = stores.get(key)
  if (store === undefined) {
    store = fill(openssl, rootsOfNode(system), system)
    stores.set(key, store)
  }
  return store
}

/** Gives a store back, unless it is one of those that are shared. */
export function leaveStore({ store }: Openssl, one: number): void {
  if (![...stores.values()].includes(one)) store.free(one)
}

function fill(openssl: Openssl, ca: readonly (string | Uint8Array)[], system: boolean): number {
  const { store, certificates, errors } = openssl
  const filled = store.create()
  try {
    for (const pem of ca) {
      for (const one of readCertificates(openssl, pem, 'the CA')) {
        store.add(filled, one)
        certificates.free(one)
      }
    }
  } catch (error) {
    store.free(filled)
    throw error
  }
  if (system) store.addSystem(filled)
  errors.clear()
  return filled
}
