/**
 * One object of each hot class, kept for ever.
 *
 * V8 holds the shape of a class only as long as an object has it. When a kernel has ended and its
 * objects are collected, the shapes of loops, tasks and queues die with them, and V8 throws away
 * all optimised code that knew them. The next `run` starts in the interpreter. The objects here
 * keep the shapes: spawn and join between two collections cost 315 ns without them and 215 with
 * them. That works only while the shapes are those of a running kernel: no field of the loop may
 * later need another representation. `node --trace-deopt` names what died as "weak objects",
 * `--print-opt-code` the shapes that code depends on.
 *
 * Of drivers, which are of many classes, the last closed one of each class is kept.
 */
import type { Driver } from './driver/contract.js'
import { VirtualDriver } from './driver/virtual.js'
import { Call } from './protocol/call.js'
import type { TaskIterator } from './protocol/trap.js'
import { TaskList, WaitQueue } from './protocol/wait-queue.js'
import { Loop } from './schedule/loop.js'
import { start } from './schedule/spawn.js'
import { ScopeRecord } from './task/scope.js'

const report = (): void => {}
const loop = new Loop({
  driver: new VirtualDriver(),
  grace: 0,
  random: null,
  draw: Math.random,
  instruments: null,
  tracker: null,
  contexts: null,
  report,
  warn: report,
})
const task = start(loop, loop.root, function* () {}, 'kept', false)
task.frame = new Call(task.iterator as TaskIterator)

export const KEPT: readonly object[] = [
  loop,
  task,
  task.ensuredExtras,
  task.join(),
  new ScopeRecord(loop.root, task, 'kept', false, 0, 0),
  new TaskList(),
  new WaitQueue(),
]

const drivers = new WeakMap<object, Driver>()

/** Keeps a closed driver for the sake of its shapes: the last one of its class. */
export function keep(driver: Driver): void {
  drivers.set(driver.constructor, driver)
}
