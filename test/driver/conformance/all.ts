/**
 * What every driver promises (kernel/driver/contract.ts), as tests that drive it directly, without a kernel.
 *
 * A test never asks whether an op completes inline or later: readiness and completion mechanisms differ in that. The
 * rig checks with every completion that it is the only one of its op.
 */
import test, { type ExecutionContext } from 'ava'
import type { Driver } from '../../../kernel/driver/contract.js'
import { Rig } from '../rig.js'

/** What the parts of the suite work with. */
export interface Suite {
  /** The driver's. */
  readonly name: string
  /** Registers a test, named by a sentence, with a fresh driver. */
  check(sentence: string, body: (t: ExecutionContext, rig: Rig) => void): void
  /** The symbolic name of a negative result. */
  nameOf(rig: Rig, result: number): string
}

/** Registers `parts` for the driver that `make` makes. */
export function conformance(name: string, make: () => Driver, ...parts: ((suite: Suite) => void)[]): void {
  const suite: Suite = {
    name,
    check(sentence, body) {
      test(`${name}: ${sentence}`, (t) => {
        const rig = new Rig(make())
        try {
          body(t, rig)
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
