/** What both sides of the bench of messages say to each other. */

export const MESSAGE = { id: 123_456, name: 'hello world', list: [1, 2, 3] }
export const FLOOD = 20_000
export const PING_PONG = 2000

/** What the other process is asked for: so many messages at once, or each one back. */
export type Order = { readonly flood: number } | { readonly echo: typeof MESSAGE } | { readonly end: true }
