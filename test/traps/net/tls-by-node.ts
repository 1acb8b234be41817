/**
 * Loaded before anything else: TLS is that of node:tls in this thread.
 */
process.env['DRUPE_TLS'] = 'node'
