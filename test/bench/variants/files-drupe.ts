/** A file read, copied and sent to a socket: `read` into one buffer, `pipe` from the file to the other side. */
import { connect, type Operation, open, pipe, run, use } from 'drupe'
import { copy, file, measure, PIECE_BYTES, part, port } from './files-rate.js'

const buffer = new Uint8Array(PIECE_BYTES)

const PARTS: Readonly<Record<string, () => Operation<unknown>>> = {
  read: () =>
    use(open(file), function* (from) {
      while ((yield* from.readInto(buffer)) > 0);
    }),
  copy: () => use(open(file), (from) => use(open(copy, 'w'), (to) => pipe(from, to))),
  send: () =>
    use(open(file), (from) => use(connect({ host: '127.0.0.1', port: Number(port) }), (to) => pipe(from, to))),
}

const once = PARTS[part] as () => Operation<unknown>
await measure(() => run(once))
