/**
 * How long a test waits for what must come, in milliseconds.
 *
 * Longer than anything takes on a busy machine: the limit is there for what hangs, and no test passes or fails by how fast
 * it was. AVA's own limit, in package.json, is longer, so that the test that hung is the one that fails.
 */
export const PATIENCE_MS = 120_000
