/** uvloop's suites of processes, signals and datagrams: what asyncio promises of them, on libuv. */
import type { PeerSuites } from './peers.js'

const PREEXEC =
  'No code of this program runs in the child: posix_spawn has no such place, and Python advises against it.'
const REUSE =
  'asyncio takes back an option that it once set for everybody; reuseAddress is off unless a member of a group asks for it.'
const SOCK =
  'Makes an endpoint of a socket object; udp and unixDatagram open their own, and drupe/lowlevel works on descriptors.'
const PYTHON = 'It is about Python’s own machinery for signals, which JavaScript has not.'

export const uvloop: PeerSuites = {
  process: {
    tests: [
      'cancel_make_subprocess_transport_exec',
      'cancel_post_init',
      'cancel_process_wait',
      'close_gets_process_closed',
      'communicate',
      'communicate_large_stdout_1000000',
      'communicate_large_stdout_65536',
      'communicate_large_stdout_65537',
      'kill',
      'process_cwd_1',
      'process_cwd_2',
      'process_delayed_stdio__not_paused__no_stdin',
      'process_delayed_stdio__paused__no_stdin',
      'process_delayed_stdio__paused__stdin_pipe',
      'process_double_close',
      'process_env_1',
      'process_env_2',
      'process_executable_1',
      'process_executable_2',
      'process_pid_1',
      'process_preexec_fn_1',
      'process_preexec_fn_2',
      'process_send_signal_1',
      'process_streams_basic_1',
      'process_streams_devnull',
      'process_streams_pass_fds',
      'process_streams_redirect',
      'process_streams_stderr_to_stdout',
      'send_signal',
      'shell',
      'start_new_session',
      'stdin_not_inheritable',
      'stdin_stderr_file',
      'stdin_stdout_file',
      'stdin_stdout_pipe',
      'subprocess_fd_leak_1',
      'subprocess_fd_leak_2',
      'subprocess_invalid_stdin',
      'terminate',
      'write_huge_stdin_219263',
      'write_huge_stdin_219264',
      'write_huge_stdin_8192',
      'write_huge_stdin_8193',
    ],
    instead: {
      process_pid_1: 'A pid is a number here as there; every test that kills a process uses it.',
      process_preexec_fn_1: PREEXEC,
      process_preexec_fn_2: PREEXEC,
      process_streams_pass_fds:
        'A program has its three streams and inherits nothing else; there is no option for more.',
      shell: 'There is no function of its own for a shell: one is asked for by its name, as most of our tests do.',
      subprocess_invalid_stdin:
        'Every wrong operand is refused at the call; the table of all functions has these, too.',
    },
  },
  signals: {
    tests: [
      'signals_and_custom_handler_1',
      'signals_coro_callback',
      'signals_fork_in_thread',
      'signals_invalid_signal',
      'signals_no_SIGCHLD',
      'signals_sigint_and_custom_handler',
      'signals_sigint_pycode_continue',
      'signals_sigint_pycode_stop',
      'signals_sigint_uvcode',
      'signals_sigint_uvcode_two_loop_runs',
      'signals_wakeup_fd_unchanged',
    ],
    instead: {
      signals_sigint_uvcode_two_loop_runs: 'main ends the process with its operation, so there is no second one.',
      signals_wakeup_fd_unchanged: PYTHON,
    },
  },
  udp: {
    tests: [
      'create_datagram_1',
      'create_datagram_endpoint_addrs_ipv4',
      'create_datagram_endpoint_addrs_ipv4_nameaddr',
      'create_datagram_endpoint_addrs_ipv6',
      'create_datagram_endpoint_ipv6_family',
      'create_datagram_endpoint_reuse_address_error',
      'create_datagram_endpoint_reuse_address_warning',
      'create_datagram_endpoint_sock',
      'create_datagram_endpoint_sock_unix_domain',
      'create_datagram_endpoint_wrong_sock',
      'send_after_close',
      'socketpair',
      'udp_sendto_broadcast',
      'udp_sendto_dns',
    ],
    instead: {
      create_datagram_endpoint_reuse_address_error: REUSE,
      create_datagram_endpoint_reuse_address_warning: REUSE,
      create_datagram_endpoint_sock: SOCK,
      create_datagram_endpoint_wrong_sock: SOCK,
    },
  },
  runner: {
    tests: ['uvloop_run_1', 'uvloop_run_2'],
    instead: {
      uvloop_run_2: 'It is about a coroutine that is refused because another loop runs; a kernel has no such rival.',
    },
  },
}
