/** A file read, copied and sent to a socket with the host's streams. */
import { createReadStream, createWriteStream } from 'node:fs'
import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { copy, file, measure, PIECE_BYTES, part, port } from './files-rate.js'

const options = { highWaterMark: PIECE_BYTES }

function target(): Writable {
  if (part === 'copy') return createWriteStream(copy, options)
  if (part === 'send') return connect(Number(port), '127.0.0.1')
  return new Writable({ ...options, write: (_chunk, _encoding, done) => done() })
}

await measure(() => pipeline(createReadStream(file, options), target()))
