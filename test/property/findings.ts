/**
 * What is wrong with one random program: a promise that was broken, or a second run that took another course.
 */
import { play } from './play.js'
import type { Case } from './tree.js'

export function findings(one: Case): string[] {
  const first = play(one)
  const second = play(one)
  const at = first.trace.findIndex((line, i) => line !== second.trace[i])
  const found = [...first.problems]
  if (at >= 0 || first.trace.length !== second.trace.length) {
    found.push(`the second run differs: "${first.trace[at]}", then "${second.trace[at]}"`)
  }
  return found
}
