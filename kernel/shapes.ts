/**
 * One object of each hot class, kept for ever.
 *
 * V8 holds the shape of a class only as long as an object has it. When a kernel ends and the collector comes by, the shapes
 * of tasks, scopes and queues die, and all optimised code that knew them is thrown away; the next `run` starts in the
 * interpreter. A kernel that never runs keeps the shapes: switches between two runs with a collection in between went from
 * 53 to 43 ns, together with the way in which generators are resumed (task.ts).
 */
import { Call } from './frame.js'
import { start } from './handlers.js'
import { Loop } from './loop.js'
import { Scope } from './scope.js'
import type { TaskIterator } from './trap.js'
import { VirtualDriver } from './virtual.js'

const report = (): void => {}
const loop = new Loop({
  driver: new VirtualDriver(),
  grace: 0,
  random: null,
  instruments: null,
  watch: null,
  report,
  warn: report,
})
const task = start(loop, loop.root, function* () {}, 'kept', false)
task.frame = new Call(null, task.iterator as TaskIterator)

/** @internal */
export const KEPT: readonly object[] = [loop, task, new Scope(loop.root, task, 'kept', false, 0, 0)]
