/**
 * One program on every driver that there is here: what waits below is exchangeable.
 *
 * Start it: `npm run example -- drivers`. The kernel knows a driver by a small contract: submit,
 * poll, the time, and how to be woken. On virtual time ten minutes of sleep take none. Try
 * `DRUPE_DRIVER=epoll` with any other example; examples/kernel/smallest-driver.ts writes one.
 */
import { clock, Kernel, nursery, type Operation, sleep } from 'drupe'
import { chooseDriver, HostDriver } from 'drupe/lowlevel'
import { VirtualDriver } from 'drupe/testing'

const ms = { virtual: 600_000 } as Readonly<Record<string, number>>

function* program(pause: number): Operation<string> {
  const begin = yield* clock()
  const log: string[] = []
  yield* nursery(function* (n) {
    for (const word of ['third', 'first', 'second']) {
      const turn = { first: 1, second: 2, third: 3 }[word] as number
      yield* n.spawn(function* () {
        yield* sleep(turn * pause)
        log.push(word)
      })
    }
  })
  return `${log.join(', ')}; took at least ${3 * pause} ms: ${(yield* clock()) - begin >= 3 * pause}`
}

const native = ['io_uring', 'epoll', 'kqueue', 'iocp'].flatMap((name) => {
  try {
    return chooseDriver(name) ?? []
  } catch {
    return []
  }
})
for (const driver of [...native, new HostDriver(), new VirtualDriver()]) {
  await using kernel = new Kernel({ driver })
  console.log(`${kernel.driver.padEnd(8)} ${await kernel.run(() => program(ms[kernel.driver] ?? 10))}`)
}
