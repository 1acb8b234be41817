/**
 * `drupe/lowlevel` as a program in the page imports it: as it is.
 *
 * It makes no kernels, so there is nothing to watch.
 */
export * from 'drupe/lowlevel'
