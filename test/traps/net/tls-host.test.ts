/**
 * The tests of TLS once more, over node:tls: the same files with the other engine, which is chosen
 * before they ask for one. What they leave out there they say.
 */
import './tls-by-node.js'
import './tls.test.js'
import './tls-stream.test.js'
import './tls-others.test.js'
