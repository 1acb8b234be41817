/**
 * The driver that docs/recipes/add-a-driver.md makes, against the whole suite that every driver passes.
 */
import test from 'ava'
import { PollDriver } from '../../examples/new-driver.js'
import { conformance } from '../driver/conformance/all.js'
import { bytes } from '../driver/conformance/bytes.js'
import { control } from '../driver/conformance/control.js'
import { files } from '../driver/conformance/files.js'
import { gather } from '../driver/conformance/gather.js'
import { memory } from '../driver/conformance/memory.js'
import { ownFiles } from '../driver/conformance/own-files.js'
import { positions } from '../driver/conformance/positions.js'
import { pressure } from '../driver/conformance/pressure.js'
import { scatter } from '../driver/conformance/scatter.js'
import { sockets } from '../driver/conformance/sockets.js'

if (process.platform === 'linux') {
  const parts = [bytes, gather, scatter, memory, control, sockets, pressure, files, positions, ownFiles]
  conformance('poll', () => new PollDriver(), ...parts)
} else
  test('poll', (t) => {
    t.log('skipped: it is made of the rooms for Linux')
    t.pass()
  })
