/**
 * `drupe/testing` as a program in the page imports it.
 *
 * A name that is exported here comes before the one of the package.
 */
export * from 'drupe/testing'
export { SimNetwork, virtual } from './watched.js'
