/**
 * Runs every I/O scenario in one mode and counts the open descriptors (handles, on Windows) after each; prints those that left one behind.
 *
 * In a process of its own, because test files that run beside it open and close descriptors, too.
 */
import { timeout } from 'drupe'
import { MODES } from '../../kit.js'
import { BUFFER_SCENARIOS } from '../../modes/buffers.js'
import { DESCRIPTOR_SCENARIOS } from '../../modes/descriptors.js'
import { SERVER_SCENARIOS } from '../../modes/servers.js'
import { STREAM_SCENARIOS } from '../../modes/streams.js'
import { UNIX_DATAGRAM_SCENARIOS } from '../../modes/unix-datagrams.js'
import { openDescriptors } from '../../open-descriptors.js'
import { PATIENCE_MS } from '../../patience.js'

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

const mode = MODES.find(({ name }) => name === process.argv[2])
if (mode === undefined) throw new Error('no such mode')
const OF_UNIX = process.platform === 'win32' ? [] : [...UNIX_DATAGRAM_SCENARIOS, ...DESCRIPTOR_SCENARIOS]
const scenarios = [...STREAM_SCENARIOS, ...BUFFER_SCENARIOS, ...SERVER_SCENARIOS, ...OF_UNIX].filter(
  ({ lacking }) => !lacking?.includes(process.platform),
)
const report: string[] = []
// Standard output opens something when it is first used, and the first run loads what stays open for good.
process.stdout.write('')
await mode.run(timeout(PATIENCE_MS, (scenarios[0] as (typeof scenarios)[number]).op))
await soon()
let before = openDescriptors()
for (const { name, op } of scenarios) {
  try {
    await mode.run(timeout(PATIENCE_MS, op))
  } catch (error) {
    report.push(`${name}: ${error}`)
  }
  // What a ring had open the system takes back in the background.
  for (let tries = 0; openDescriptors() > before && tries < 3000; tries++) await soon()
  const now = openDescriptors()
  if (now > before) report.push(`${name}: ${now - before} left over`)
  before = now
}
console.log([...report, `${scenarios.length} scenarios`].join('\n'))
