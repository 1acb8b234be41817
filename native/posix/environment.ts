/**
 * What a worker thread needs of Node below JavaScript, because JavaScript may be over at any moment
 * there.
 *
 * `terminate()`, and the exit of the process, stop the JavaScript of a worker wherever it is; the
 * worker's loop makes one more pass, and then Node takes its environment down. So two things are
 * left to C functions that exist already. The environment has a list of what to call at its end:
 * `close` for each descriptor of a driver is put there. And a poll handle of libuv's calls a C
 * function that only marks the handle; koffi's own callback makes JavaScript objects, and its
 * methods look up theirs, which aborts the process when JavaScript is forbidden. Calls of C
 * functions are safe at any moment.
 *
 * Node exports all of it to addons. Two of the functions have no names for C, so they are found
 * under their C++ names; where any is missing there is no environment (null), and a driver does
 * without.
 */
/** libuv's numbers: a handle's type, an event. */
const UV_POLL = 8
const UV_READABLE = 1

/**
 * Where libuv's public structures have what is needed here, the same in all of its versions 1.x on
 * 64-bit systems.
 */
const LOOP_HANDLES_LAST_BYTES = 24
const HANDLE_QUEUE_BYTES = 32

/**
 * A handle's data as long as nothing has happened: its callback is `uv_handle_set_data`, which
 * stores the status there.
 */
const QUIET = 1

/** A poll handle that is watched without JavaScript. */
export interface QuietPoll {
  ref(): void
  unref(): void
  /** Was the fd readable since it was asked last? */
  fired(): boolean
}

type Library = ReturnType<typeof import('koffi')['load']>
type Call = (...operands: number[]) => number

/** The environment of one worker thread. */
export class Environment {
  private readonly closing = new Set<number>()

  private constructor(
    private readonly functions: ReturnType<typeof bind>,
    private readonly isolate: number,
    private readonly loop: number,
  ) {}

  /** @param anyLibrary dlsym's handle for all that is loaded. */
  static find(library: Library, anyLibrary: number): Environment | null {
    try {
      const functions = bind(library, anyLibrary)
      const isolate = functions.isolate()
      const loop = functions.loop(isolate)
      return loop === 0 ? null : new Environment(functions, isolate, loop)
    } catch {
      return null
    }
  }

  /** Has an fd closed with the environment. */
  own(fd: number): void {
    if (fd < 0 || this.closing.has(fd)) return
    this.closing.add(fd)
    this.functions.addHook(this.isolate, this.functions.closeAt, fd)
  }

  /**
   * Somebody else closes it. To be called before that: afterwards the number may be another
   * thread's.
   */
  disown(fd: number): void {
    if (this.closing.delete(fd)) this.functions.removeHook(this.isolate, this.functions.closeAt, fd)
  }

  /**
   * Makes the newest handle of the loop a quiet one, if it is a poll handle for this fd that
   * watches nothing yet.
   */
  quieten(fd: number): QuietPoll | null {
    const { type, fileno, setData, getData, pollStart, ref, unref, markAt } = this.functions
    // A handle's data is its first word, so this reads any word.
    const handle = getData(this.loop + LOOP_HANDLES_LAST_BYTES) - HANDLE_QUEUE_BYTES
    if (type(handle) !== UV_POLL || fileno(handle) !== fd) return null
    setData(handle, QUIET)
    if (pollStart(handle, UV_READABLE, markAt) !== 0) return null
    return {
      ref: () => void ref(handle),
      unref: () => void unref(handle),
      fired() {
        if (getData(handle) === QUIET) return false
        setData(handle, QUIET)
        return true
      },
    }
  }
}

function bind(library: Library, anyLibrary: number) {
  const func = (name: string, result: string, ...types: string[]): Call => library.func(name, result, types) as Call
  const addressOf = library.func('dlsym', 'uintptr_t', ['intptr_t', 'str']) as (handle: number, name: string) => number
  const fileno = library.func('uv_fileno', 'int', ['uintptr_t', '_Out_ int *'])
  return {
    isolate: func('_ZN2v87Isolate10GetCurrentEv', 'uintptr_t'),
    loop: func('_ZN4node19GetCurrentEventLoopEPN2v87IsolateE', 'uintptr_t', 'uintptr_t'),
    addHook: func(
      '_ZN4node25AddEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_',
      'void',
      'uintptr_t',
      'uintptr_t',
      'uintptr_t',
    ),
    removeHook: func(
      '_ZN4node28RemoveEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_',
      'void',
      'uintptr_t',
      'uintptr_t',
      'uintptr_t',
    ),
    type: func('uv_handle_get_type', 'int', 'uintptr_t'),
    getData: func('uv_handle_get_data', 'uintptr_t', 'uintptr_t'),
    setData: func('uv_handle_set_data', 'void', 'uintptr_t', 'uintptr_t'),
    ref: func('uv_ref', 'void', 'uintptr_t'),
    unref: func('uv_unref', 'void', 'uintptr_t'),
    pollStart: func('uv_poll_start', 'int', 'uintptr_t', 'int', 'uintptr_t'),
    markAt: addressOf(anyLibrary, 'uv_handle_set_data'),
    closeAt: addressOf(anyLibrary, 'close'),
    fileno(handle: number): number {
      const fd = [-1]
      return fileno(handle, fd) === 0 ? (fd[0] as number) : -1
    },
  }
}
