/**
 * Off the loop: what is begun with the host, what waits here, and what becomes of work that nobody wants any more.
 */
import test from 'ava'
import { OffLoop, type Outcome, type WorkBeside } from '../../../native/host/off-loop.js'
import { EBUSY } from '../../../native/posix/errno.js'

/** Work that ends when the test says so. */
class Fake implements WorkBeside {
  readonly log: string[]
  done: ((outcome: Outcome) => void) | null = null

  constructor(
    readonly name: string,
    log: string[],
  ) {
    this.log = log
  }

  begin(done: (outcome: Outcome) => void): void {
    this.log.push(`begin ${this.name}`)
    this.done = done
  }

  stop?: () => void
  alone?: boolean

  now(): Outcome {
    this.log.push(`now ${this.name}`)
    return [1, this.name]
  }

  abandon(): void {
    this.log.push(`abandon ${this.name}`)
  }

  discard([result]: Outcome): void {
    this.log.push(`discard ${this.name} ${result}`)
  }
}

function rig(names = 'abcdef') {
  const log: string[] = []
  let news = 0
  const lane = new OffLoop(() => news++)
  const works = new Map([...names].map((name) => [name, new Fake(name, log)]))
  const owner = new Map([...names].map((name) => [name, { name }]))
  const add = (name: string): void =>
    lane.add(owner.get(name) as object, works.get(name) as Fake, ([result]) => log.push(`finish ${name} ${result}`))
  const end = (name: string, result: number): void => works.get(name)?.done?.([result, null])
  const withdraw = (name: string): boolean => lane.withdraw(owner.get(name) as object)
  const stoppable = (name: string): void => {
    ;(works.get(name) as Fake).stop = () => void log.push(`stop ${name}`)
  }
  const alone = (name: string): void => {
    ;(works.get(name) as Fake).alone = true
  }
  return { lane, log, add, end, withdraw, stoppable, alone, news: () => news }
}

test('four are with the host at a time; the others wait, and completions wait for a poll', (t) => {
  const { lane, log, add, end, news } = rig()
  for (const name of 'abcdef') add(name)
  t.deepEqual(log.splice(0), ['begin a', 'begin b', 'begin c', 'begin d'])
  t.false(lane.poll(false))
  end('c', 7)
  t.is(news(), 1)
  t.deepEqual(log.splice(0), ['begin e'])
  t.true(lane.poll(false))
  t.deepEqual(log, ['finish c 7'])
  t.false(lane.poll(false))
})

test('what waits is withdrawn and never begun; what is under way is disowned, and its result given back', (t) => {
  const { lane, log, add, end, withdraw } = rig()
  for (const name of 'abcdef') add(name)
  log.length = 0
  t.true(withdraw('e'))
  t.true(withdraw('a'))
  t.false(withdraw('a'))
  end('a', 3)
  t.deepEqual(log.splice(0), ['discard a 3', 'abandon e', 'begin f'])
  end('b', 4)
  t.true(withdraw('b'))
  t.deepEqual(log.splice(0), ['discard b 4'])
  lane.poll(false)
  t.deepEqual(log, [])
})

test('a poll that waits does at once what the host has under way, and what comes from there is given back', (t) => {
  const { lane, log, add, end } = rig('ab')
  add('a')
  add('b')
  end('b', 5)
  log.length = 0
  t.true(lane.poll(true))
  t.deepEqual(log.splice(0), ['now a', 'finish a 1', 'finish b 5'])
  end('a', 9)
  t.deepEqual(log, ['discard a 9'])
})

test('what must not be under way twice is refused by a poll that waits if it has begun, and done at once if not', (t) => {
  const { lane, log, add, end, alone } = rig('abcde')
  for (const name of 'ae') alone(name)
  for (const name of 'abcde') add(name)
  log.length = 0
  t.true(lane.poll(true))
  t.deepEqual(log.splice(0), [
    `finish a ${EBUSY}`,
    ...[...'bcd'].flatMap((name) => [`now ${name}`, `finish ${name} 1`]),
    'now e',
    'finish e 1',
  ])
  end('a', 9)
  t.deepEqual(log, ['discard a 9'])
})

test('closed, it withdraws all and says whose it was; late results are given back', (t) => {
  const { lane, log, add, end } = rig('abcde')
  for (const name of 'abcde') add(name)
  log.length = 0
  t.is(lane.close().length, 5)
  for (const name of 'abcd') end(name, 1)
  lane.poll(false)
  t.deepEqual(log.sort(), ['abandon e', 'discard a 1', 'discard b 1', 'discard c 1', 'discard d 1'])
})

test('work that ends while it is begun, and work that is added by a completion', (t) => {
  const log: string[] = []
  const lane: OffLoop = new OffLoop(() => {})
  const atOnce: WorkBeside = { begin: (done) => done([1, null]), now: () => [1, null] }
  lane.add({}, atOnce, () => {
    log.push('first')
    lane.add({}, atOnce, () => log.push('second'))
  })
  lane.poll(false)
  t.deepEqual(log, ['first'])
  lane.poll(false)
  t.deepEqual(log, ['first', 'second'])
})
