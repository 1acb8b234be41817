/** Trio's suites about processes, signals and files. */
import type { PeerSuites } from './peers.js'

const NO_DELIVERY = 'How a program is told to leave is no function that could fail: SIGTERM, the grace, SIGKILL.'
const NO_WRAPPER = 'About forwarding the methods of a wrapped Python file; there is no wrapper here.'

export const trioOs: PeerSuites = {
  subprocess: {
    tests: [
      'auto_update_returncode',
      'bad_deliver_cancel',
      'basic',
      'basic_no_pidfd',
      'custom_deliver_cancel',
      'errors',
      'for_leaking_fds',
      'interactive',
      'multi_wait',
      'multi_wait_no_pidfd',
      'one_signal',
      'pipes',
      'run',
      'run_check',
      'run_process_background_fail',
      'run_process_internal_error',
      'run_with_broken_pipe',
      'signals',
      'stderr_stdout',
      'subprocess_pidfd_unnotified',
      'wait_reapable_fails',
      'wait_reapable_fails_no_pidfd',
      'waitid_eintr',
      'warn_on_cancel_SIGKILL_escalation',
      'warn_on_failed_cancel_terminate',
    ],
    instead: {
      bad_deliver_cancel: NO_DELIVERY,
      run_process_background_fail: 'A program in the background is startProcess, and its code is read, not thrown.',
      run_process_internal_error:
        'It mocks the inside of its own run_process; nothing of ours starts a task there that could be mocked.',
      wait_reapable_fails:
        'Waiting is a READABLE on a descriptor, or waitid over and over; there is no third call that could fail.',
      wait_reapable_fails_no_pidfd: 'The same.',
      waitid_eintr: 'waitid is never asked to wait, so no signal interrupts it.',
      warn_on_failed_cancel_terminate: NO_DELIVERY,
    },
  },
  signals: {
    tests: [
      'catch_signals_race_condition_on_exit',
      'catch_signals_wrong_thread',
      'open_signal_receiver',
      'open_signal_receiver_conflict',
      'open_signal_receiver_empty_fail',
      'open_signal_receiver_no_starvation',
      'open_signal_receiver_restore_handler_after_duplicate_signal',
      'open_signal_receiver_restore_handler_after_one_bad_signal',
    ],
    instead: {
      open_signal_receiver_conflict:
        'Listeners of the host’s process do not replace each other: two subscriptions are told both.',
    },
  },
  file_io: {
    tests: [
      'aclose_cancelled',
      'async_iter',
      'async_methods_generated_once',
      'async_methods_match_wrapper',
      'async_methods_signature',
      'async_methods_wrap',
      'detach_rewraps_asynciobase',
      'dir_matches_wrapped',
      'open',
      'open_context_manager',
      'sync_attrs_forwarded',
      'sync_attrs_match_wrapper',
      'type_stubs_match_lists',
      'unsupported_not_forwarded',
      'wrap_invalid',
      'wrap_non_iobase',
      'wrapped_property',
    ],
    instead: {
      async_methods_generated_once: NO_WRAPPER,
      async_methods_match_wrapper: NO_WRAPPER,
      async_methods_signature: NO_WRAPPER,
      async_methods_wrap: NO_WRAPPER,
      detach_rewraps_asynciobase: NO_WRAPPER,
      dir_matches_wrapped: NO_WRAPPER,
      sync_attrs_forwarded: NO_WRAPPER,
      sync_attrs_match_wrapper: NO_WRAPPER,
      type_stubs_match_lists: NO_WRAPPER,
      unsupported_not_forwarded: NO_WRAPPER,
      wrap_invalid: NO_WRAPPER,
      wrap_non_iobase: NO_WRAPPER,
      wrapped_property: NO_WRAPPER,
    },
  },
}
