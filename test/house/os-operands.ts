/** What the calls about files and processes take: the part of the table of operands.test.ts that is about the system. */

import { memoryStreams } from 'drupe/testing'
import * as k from './kinds.js'

const { BYTES, FD, PIECES, SWITCH, TIME, limit, optional, options, whole } = k

/** The koffi module, as far as it is used; all its types are those of functions. */
export const KOFFI = {
  ...{ alloc: () => 5n, free: () => {}, sizeof: () => 4, encode: () => {}, decode: () => 5 },
  ...{ register: () => 5n, unregister: () => {}, pointer: (type: string | object) => type },
  type: (type: string | object) => ({ primitive: type === 'void' ? 'Void' : 'Callback', proto: { result: 'void' } }),
}

type Table = Readonly<Record<string, readonly k.Kind[]>>

const WAIT = options({ timeout: TIME })
const TEXT_PIECES = k.or(PIECES, (value) => typeof value === 'string')
const MODULE = k.thing(new URL('data:text/javascript,'))
const WORKER_POOL = k.like(
  { module: MODULE.good },
  {
    module: MODULE,
    size: optional(whole(1)),
    concurrency: optional(whole(1)),
    maxHeapBytes: optional(whole(1_048_576)),
  },
)
const NOTHING = (value: unknown): boolean => value === undefined
const CONTENT = k.or(BYTES, (value) => typeof value === 'string')
const PLACE = {
  cwd: optional(k.TEXT),
  env: k.or(k.thing({}), (value) => NOTHING(value) || k.isBare(value)),
  grace: optional(TIME),
}
const STDIO = k.or(k.word('pipe', 'inherit', 'ignore'), (value) => NOTHING(value) || FD.right(value))

const PORT = whole(0, 80)
const SECRET = 'a key of the operands'
const KEY = k.or(k.thing(SECRET), (value) => value === null)
const NOT_NULL = k.or(k.thing(SECRET), (value) => value !== null)
const MESSAGES = { maxBytes: optional(whole(1)), handshakeTimeout: optional(TIME) }

/** The methods of a class. */
export function of(type: string, methods: Table): Record<string, readonly k.Kind[]> {
  return Object.fromEntries(Object.entries(methods).map(([name, kinds]) => [`${type}.${name}`, kinds]))
}

/** `READER`: what all streams of bytes take. */
export const osOperands = (READER: Table): Table => ({
  ...of('File', {
    ...READER,
    readAt: [BYTES, whole(0), WAIT],
    writeAt: [TEXT_PIECES, whole(0), WAIT],
    seek: [whole(Number.MIN_SAFE_INTEGER, 1), optional(k.word('start', 'current', 'end')), WAIT],
    truncate: [optional(whole(0)), WAIT],
    sync: [WAIT],
    stat: [WAIT],
  }),
  open: [k.TEXT, optional(k.word('r', 'w')), optional(whole(0)), WAIT],
  readFile: [k.TEXT, options({ encoding: k.word('utf8'), maxBytes: limit(1), timeout: TIME })],
  writeFile: [k.TEXT, CONTENT, options({ mode: whole(0), atomic: SWITCH, timeout: TIME })],
  appendFile: [k.TEXT, CONTENT, options({ mode: whole(0), timeout: TIME })],
  mkdir: [k.TEXT, options({ recursive: SWITCH, mode: whole(0), timeout: TIME })],
  copyFile: [k.TEXT, k.TEXT, options({ exclusive: SWITCH, timeout: TIME })],
  remove: [k.TEXT, options({ recursive: SWITCH, force: SWITCH, timeout: TIME })],
  rename: [k.TEXT, k.TEXT, WAIT],
  link: [k.TEXT, k.TEXT, WAIT],
  symlink: [k.TEXT, k.TEXT, WAIT],
  readlink: [k.TEXT, WAIT],
  realpath: [k.TEXT, WAIT],
  lstat: [k.TEXT, WAIT],
  chmod: [k.TEXT, whole(0), WAIT],
  readDir: [k.TEXT],
  tempDir: [optional(k.TEXT)],
  watch: [k.TEXT, options({ recursive: SWITCH })],
  exec: [
    k.TEXT,
    optional(k.LIST),
    options({
      ...PLACE,
      input: k.or(PIECES, NOTHING),
      maxBytes: optional(limit(0)),
      ok: optional(SWITCH),
      timeout: optional(TIME),
    }),
  ],
  startProcess: [
    k.TEXT,
    optional(k.LIST),
    options({
      ...PLACE,
      stdin: STDIO,
      stdout: STDIO,
      stderr: k.or(STDIO, (value) => value === 'stdout'),
      group: optional(SWITCH),
      detached: optional(SWITCH),
    }),
  ],
  ...of('Process', { wait: [WAIT], kill: [optional(k.word('SIGTERM'))] }),
  signals: [k.word('SIGHUP')],
  arena: [k.thing(KOFFI)],
  ...of('Arena', {
    allocate: [k.STRING_OR_OBJECT, optional(whole(1))],
    bytes: [k.or(whole(0), BYTES.right)],
    string: [k.TEXT],
  }),
  'ForeignMemory.write': [k.TEXT],
  foreignCallback: [
    k.thing(KOFFI),
    k.STRING_OR_OBJECT,
    options({
      result: k.ANY,
      decode: k.BODY,
      limit: limit(1),
      overflow: k.word('fail', 'dropOldest', 'dropNewest'),
    }),
  ],
  foreign: [k.thing(Object.assign(() => 0, { async: () => 0, info: { name: 'f' } })), k.ANY],
  thread: [MODULE, optional(k.STRING), k.ANY],
  transfer: [k.ANY, k.LIST],
  fork: [MODULE, optional(k.STRING), k.ANY],
  threadPool: [WORKER_POOL],
  processPool: [WORKER_POOL],
  ...of('WorkerPool', { run: [k.STRING, k.ANY] }),
  ...of('MessageStream', {
    send: [NOT_NULL, WAIT],
    sendBytes: [TEXT_PIECES, WAIT],
    receive: [WAIT],
    receiveBytes: [WAIT],
  }),
  ...of('MessageListener', { accept: [WAIT] }),
  startMessages: [
    k.thing(memoryStreams()[0]),
    k.like({ key: SECRET }, { ...MESSAGES, key: KEY, side: optional(k.word('client', 'server')) }),
  ],
  connectMessages: [
    k.like({ host: 'here', port: 80, key: SECRET }, { ...MESSAGES, key: k.thing(SECRET), host: k.TEXT, port: PORT }),
  ],
  listenMessages: [
    k.like(
      { port: 80, key: SECRET },
      {
        ...MESSAGES,
        key: k.thing(SECRET),
        port: PORT,
        maxHandshakes: optional(whole(1)),
        onError: k.or(k.FUNCTION, NOTHING),
      },
    ),
  ],
})
