/**
 * Servers that are asked questions while they serve: each line on stdin is a word, the answer is one JSON line.
 */
import { createInterface } from 'node:readline'
import { print } from './measure.js'

export function answer(questions: Readonly<Record<string, () => Record<string, number>>>): void {
  createInterface({ input: process.stdin }).on('line', (word) => print(questions[word.trim()]?.() ?? {}))
}
