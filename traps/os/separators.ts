/**
 * Where the names in a path begin and end. A backslash separates them on Windows alone; elsewhere
 * it is a character as others.
 */
const WINDOWS = typeof process === 'object' && process.platform === 'win32'
const LAST_NAME = WINDOWS ? /[^/\\:]*$/ : /[^/]*$/
const BELOW = WINDOWS ? /[/\\]+[^/\\]*[/\\]*$/ : /\/+[^/]*\/*$/

/** What stands before the last name, with its separator; empty: it is the current directory. */
export const placeOf = (path: string): string => path.replace(LAST_NAME, '')

/** The directory that it is in, as far as the path says; or else empty, or the path itself. */
export const above = (path: string): string => path.replace(BELOW, '')
