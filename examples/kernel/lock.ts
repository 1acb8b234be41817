/**
 * A lock from raw traps: what every primitive of synchronisation is made of.
 *
 * Start it: `npm run example -- lock`. To wait is a trap, and `admit` is asked inside it, so
 * nothing comes between the look and the taking. Who was woken and is cancelled before it runs
 * will not pass the lock on; `undo` does. Try to return true there and do nothing else: then the
 * others wait for ever, and the program says so. docs/recipes/add-a-primitive.md makes a fair one.
 */
import { nursery, type Operation, run, sleep } from 'drupe'
import { park, WAIT, WaitQueue, wake } from 'drupe/lowlevel'

const TAKEN = 'taken'
const TRY_AGAIN = 'try again'

class SmallLock {
  private held = false
  private readonly waiters: WaitQueue

  constructor() {
    this.waiters = new WaitQueue(
      'take the lock',
      () => {
        if (this.held) return WAIT
        this.held = true
        return TAKEN
      },
      (_task, _trap, answer, resumer) => {
        if (answer === TAKEN) this.held = false
        const next = this.waiters.head
        if (next !== null) resumer.wake(next, TRY_AGAIN)
        return true
      },
    )
  }

  *with<T>(op: () => Operation<T>): Operation<T> {
    while ((yield* park(this.waiters)) !== TAKEN) {
      // Somebody else was faster.
    }
    try {
      return yield* op()
    } finally {
      this.held = false
      yield* wake(this.waiters, 1, TRY_AGAIN)
    }
  }
}

const lock = new SmallLock()
let inside = 0
let most = 0

function* visit(name: string): Operation<void> {
  yield* lock.with(function* () {
    most = Math.max(most, ++inside)
    try {
      yield* sleep(5)
      console.log(`${name} was inside`)
    } finally {
      inside--
    }
  })
}

await run(() =>
  nursery(function* (n) {
    const first = yield* n.spawn(visit('Ada'))
    const second = yield* n.spawn(visit('Grace'))
    yield* n.spawn(visit('Barbara'))
    yield* n.spawn(visit('Radia'))
    yield* first.wait()
    // It has just been woken, and has not run.
    yield* second.cancel()
    console.log(`Grace: ${second.state}`)
  }),
)
console.log(`at most ${most} at a time`)
