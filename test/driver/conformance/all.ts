/**
 * What every driver promises (kernel/driver/contract.ts), as tests that drive it directly, without
 * a kernel.
 *
 * A test never asks whether an op completes inline or later: readiness and completion mechanisms
 * differ in that. The rig checks with every completion that it is the only one of its op.
 */
import test, { type ExecutionContext } from 'ava'
import type { Driver } from '../../../kernel/driver/contract.js'
import type { Capabilities } from '../../../kernel/protocol/capabilities.js'
import { Rig } from '../rig.js'

/** What the parts of the suite work with. */
export interface Suite {
  /** The driver's. */
  readonly name: string
  /**
   * Registers a test, named by a sentence, with a fresh driver. It is skipped where the driver
   * cannot do what it needs.
   */
  check(
    sentence: string,
    body: (t: ExecutionContext, rig: Rig) => void,
    ...needs: readonly (keyof Capabilities)[]
  ): void
  /** The symbolic name of a negative result. */
  nameOf(rig: Rig, result: number): string
}

/** The same suite, for a part whose every test needs something. */
export function needing(suite: Suite, ...needs: readonly (keyof Capabilities)[]): Suite {
  return { ...suite, check: (sentence, body, ...more) => suite.check(sentence, body, ...needs, ...more) }
}

/** Registers `parts` for the driver that `make` makes. */
export function conformance(name: string, make: () => Driver, ...parts: ((suite: Suite) => void)[]): void {
  conformanceWith(name, () => new Rig(make()), ...parts)
}

/** The same, for a driver that is used in another way. */
export function conformanceWith(name: string, rigOf: () => Rig, ...parts: ((suite: Suite) => void)[]): void {
  const suite: Suite = {
    name,
    check(sentence, body, ...needs) {
      test(`${name}: ${sentence}`, (t) => {
        const rig = rigOf()
        try {
          const missing = needs.find((need) => !rig.driver.can[need])
          if (missing === undefined) body(t, rig)
          else t.log(`skipped: the ${rig.driver.name} driver has no ${missing}`)
          t.pass()
        } finally {
          rig.driver.close()
        }
      })
    },
    nameOf: (rig, result) => rig.driver.describeError(result)[0],
  }
  for (const part of parts) part(suite)
}
