/** The suites of curio and Trio about threads and workers. */
import type { PeerSuites } from './peers.js'

const OWN_KERNEL =
  'A thread has a kernel of its own, where tasks wait as everywhere; what it has to say to others goes through linked queues.'
const NOT_ABANDONED =
  'No thread is abandoned: a call that is cancelled is waited for, and one that does not hear is terminated.'
const NO_CHECK = 'Whether a call is cancelled is no question that is asked: checkpoint() throws, as in every task.'
const NAMES = 'A thread is named by its pool or its function; the host shows the name, and there is nothing to set.'
const NO_CACHE = 'There is no cache of threads: a pool has its own as long as it lives, and thread() one for its call.'

export const curioThreads: PeerSuites = {
  thread: {
    tests: [
      'await_passthrough',
      'bad_result',
      'cancel_result',
      'errors',
      'good_result',
      'task_group_spawn_thread',
      'task_group_thread',
      'thread_bad_result',
      'thread_cancel_result',
      'thread_disable_cancellation',
      'thread_good_result',
      'thread_read',
      'thread_sync',
      'thread_timeout',
    ],
    instead: {
      await_passthrough: OWN_KERNEL,
      errors: OWN_KERNEL,
    },
  },
  workers: {
    tests: ['bad_cpu', 'blocking', 'cpu', 'exception', 'worker_cancel', 'worker_timeout'],
  },
}

export const trioThreads: PeerSuites = {
  threads: {
    tests: [
      'await_in_trio_thread_while_main_exits',
      'do_in_trio_thread',
      'do_in_trio_thread_from_trio_thread',
      'from_thread_check_cancelled_abandon_on_cancel',
      'from_thread_check_cancelled_no_abandon',
      'from_thread_check_cancelled_raises_in_foreign_threads',
      'from_thread_host_cancelled',
      'from_thread_inside_trio_thread',
      'from_thread_no_token',
      'from_thread_reuses_task',
      'from_thread_run_during_shutdown',
      'has_pthread_setname_np',
      'named_thread',
      'named_thread_os',
      'recursive_to_thread',
      'reentry_doesnt_deadlock',
      'run_fn_as_system_task_caught_badly_typed_token',
      'run_in_trio_thread_ki',
      'run_in_worker_thread',
      'run_in_worker_thread_abandoned',
      'run_in_worker_thread_cancellation',
      'run_in_worker_thread_custom_limiter',
      'run_in_worker_thread_fail_to_spawn',
      'run_in_worker_thread_limiter',
      'run_in_worker_thread_limiter_error',
      'thread_name',
      'trio_from_thread_run',
      'trio_from_thread_run_contextvars',
      'trio_from_thread_run_sync',
      'trio_from_thread_run_sync_contextvars',
      'trio_from_thread_token',
      'trio_from_thread_token_kwarg',
      'trio_to_thread_run_sync_contextvars',
      'trio_to_thread_run_sync_expected_error',
      'trio_to_thread_run_sync_token',
      'trio_token_weak_referenceable',
      'unsafe_abandon_on_cancel_kwarg',
      'wait_all_threads_completed',
      'wait_all_threads_completed_no_threads',
      'worker_thread_context_not_leaked',
    ],
    instead: {
      await_in_trio_thread_while_main_exits: OWN_KERNEL,
      do_in_trio_thread_from_trio_thread: OWN_KERNEL,
      from_thread_inside_trio_thread: OWN_KERNEL,
      from_thread_no_token: OWN_KERNEL,
      from_thread_reuses_task: OWN_KERNEL,
      from_thread_run_during_shutdown: OWN_KERNEL,
      run_fn_as_system_task_caught_badly_typed_token: OWN_KERNEL,
      run_in_trio_thread_ki: OWN_KERNEL,
      trio_from_thread_run_contextvars: OWN_KERNEL,
      trio_from_thread_run_sync: OWN_KERNEL,
      trio_from_thread_run_sync_contextvars: OWN_KERNEL,
      trio_from_thread_token: OWN_KERNEL,
      trio_from_thread_token_kwarg: OWN_KERNEL,
      trio_to_thread_run_sync_token: OWN_KERNEL,
      trio_token_weak_referenceable: OWN_KERNEL,
      reentry_doesnt_deadlock: OWN_KERNEL,
      from_thread_host_cancelled: OWN_KERNEL,
      from_thread_check_cancelled_abandon_on_cancel: NOT_ABANDONED,
      run_in_worker_thread_abandoned: NOT_ABANDONED,
      unsafe_abandon_on_cancel_kwarg: NOT_ABANDONED,
      from_thread_check_cancelled_raises_in_foreign_threads: NO_CHECK,
      has_pthread_setname_np: NAMES,
      named_thread: NAMES,
      named_thread_os: NAMES,
      thread_name: NAMES,
    },
  },
  thread_cache: {
    tests: [
      'clear_thread_cache_after_fork',
      'idle_threads_exit',
      'race_between_idle_exit_and_job_assignment',
      'raise_in_deliver',
      'spawning_new_thread_from_deliver_reuses_starting_thread',
      'thread_cache_basics',
      'thread_cache_deref',
    ],
    instead: {
      clear_thread_cache_after_fork: NO_CACHE,
      idle_threads_exit: NO_CACHE,
      race_between_idle_exit_and_job_assignment: NO_CACHE,
      raise_in_deliver: NO_CACHE,
      spawning_new_thread_from_deliver_reuses_starting_thread: NO_CACHE,
      thread_cache_deref: NO_CACHE,
    },
  },
}
