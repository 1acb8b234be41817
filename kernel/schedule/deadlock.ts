/**
 * Deadlock: which tasks wait, and the error that says so when nothing will ever wake them.
 *
 * Tasks that wait for each other are one case, tasks that wait for host code the other: it is the
 * host's loop that has to call back, and it is stopped, or it has no work left.
 */
import { DeadlockError } from '../protocol/errors.js'
import { SUSPEND } from '../protocol/trap.js'
import { NurseryRecord } from '../task/nursery.js'
import { WAITING } from '../task/phase.js'
import type { ScopeRecord } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { whereabouts } from '../task/whereabouts.js'
import { showWaits } from '../watch/traceback.js'

/**
 * For tasks that wait for host code in a blocking or virtual run: the host's loop does not turn.
 */
const HOST_LOOP_STOPPED =
  'wait, and host code (a promise, a callback) cannot wake them, because the host’s loop stands still in a blocking or ' +
  'virtual run; use run()'

/** For the same tasks on the host's loop, which has no work left. */
export const NO_HOST_WORK = 'wait for each other or for host code, and nothing else is under way'

/**
 * The error of tasks that nothing will ever wake; `hostWhy` says why host code, for which some
 * wait, will not.
 */
export function deadlock(
  tasks: readonly TaskRecord[],
  describe = whereabouts,
  hostWhy = HOST_LOOP_STOPPED,
): DeadlockError {
  const forHost = tasks.some(({ trap }) => trap?.code === SUSPEND)
  const error = new DeadlockError(
    tasks.map((task) => describe(task)),
    forHost ? hostWhy : undefined,
  )
  showWaits(error, tasks)
  return error
}

/** The lines at which the tasks of a deadlock wait, without those of this package that found it. */
export function linesOf({ stack = '' }: DeadlockError): string {
  const at = stack.indexOf('\n    in task ')
  return at === -1 ? '' : stack.slice(at)
}

/** Every task that waits in a trap; daemons of the root only if `all`. */
export function waiting(root: NurseryRecord, all = true): TaskRecord[] {
  const found: TaskRecord[] = []
  const nurseries: NurseryRecord[] = [root]
  for (let nursery = nurseries.pop(); nursery !== undefined; nursery = nurseries.pop()) {
    for (let task = nursery.oldest; task !== null; task = task.nextSibling) {
      if (!all && task.daemon && nursery === root) continue
      if (task.phase === WAITING && task.trap !== null) found.push(task)
      for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
        if (scope instanceof NurseryRecord) nurseries.push(scope)
      }
    }
  }
  return found
}
