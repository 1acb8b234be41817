/**
 * Drupe and Effection in one program: operations of either inside the other. Needs `effection` 4.1
 * installed beside Drupe.
 *
 * @module drupe/effection
 */
/// <reference lib="esnext.disposable" preserve="true" />
export type { HostKernel } from './traps/bridge/async-iterable.js'
export { fromEffection, toEffection } from './traps/bridge/effection.js'
