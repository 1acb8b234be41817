/**
 * Loaded before a Node server that is profiled: asked to end, it ends as a process that is done, so that Node writes the
 * profile.
 */
process.once('SIGTERM', () => process.exit(0))
