/**
 * Files written whole, on a driver that notes what it is asked for.
 */
import test from 'ava'
import { Kernel, writeFile } from 'drupe'
import type { Request } from 'drupe/lowlevel'
import { VirtualDriver } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const [ENOENT, EACCES] = [-2, -13]

/** There is no file, and none can be made. */
class NothingThere extends VirtualDriver {
  readonly opened: string[] = []

  override submitRequest(request: Request): boolean {
    request.result = request.kind === 'open' ? EACCES : ENOENT
    if (request.kind === 'open') this.opened.push((request.input as { path: string }).path)
    return true
  }

  override describeError(result: number): readonly [name: string, text: string] {
    return result === ENOENT ? ['ENOENT', 'not there'] : ['EACCES', 'not allowed']
  }
}

/** The random part of the name beside a file that is written. */
function temporaryName(seed: number): string {
  const driver = new NothingThere()
  const kernel = new Kernel({ driver, seed })
  kernel.runSync(() => thrownBy(writeFile('f', 'x')))
  kernel.closeSync()
  return /^\.drupe-(\w+)-\d+\.tmp$/.exec(driver.opened[0] as string)?.[1] ?? 'none'
}

test('the name of the file beside the written one comes from the seed of the kernel', (t) => {
  const name = temporaryName(7)
  t.regex(name, /^\w{6,}$/)
  t.is(temporaryName(7), name)
  t.not(temporaryName(8), name)
})
