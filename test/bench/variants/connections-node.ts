/**
 * The same server on node:net, with callbacks or (`iterator`) an async function per connection; can be asked for its
 * memory.
 */
import { answer } from './commands.js'
import { asked, memory } from './measure.js'

answer({ memory })
await import(asked('iterator') ? './echo-node-iterator.js' : './echo-node-callback.js')
