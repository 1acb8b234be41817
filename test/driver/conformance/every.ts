/** Every part of the conformance suite, in its order: a driver passes them all, and `can` skips what it has not. */
import { bytes } from './bytes.js'
import { control } from './control.js'
import { datagrams } from './datagrams.js'
import { files } from './files.js'
import { gather } from './gather.js'
import { memory } from './memory.js'
import { ownFiles } from './own-files.js'
import { positions } from './positions.js'
import { pressure } from './pressure.js'
import { requests } from './requests.js'
import { scatter } from './scatter.js'
import { sockets } from './sockets.js'

export const EVERY_PART = [
  bytes,
  gather,
  scatter,
  memory,
  control,
  sockets,
  datagrams,
  pressure,
  files,
  positions,
  ownFiles,
  requests,
] as const
