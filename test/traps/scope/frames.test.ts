/**
 * The suites of this room once more, with every nested operation in a frame of its own. Not that of `map`, whose sources are
 * generators of plain values.
 */
import '../../frames.js'
import './combinators.test.js'
import './context.test.js'
import './ensure.test.js'
import './halt.test.js'
import './resource.test.js'
