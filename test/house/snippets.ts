/**
 * Programs in prose: the examples of doc comments, and the code blocks of README and the guides.
 *
 * A block marked `ts` is a whole program. It is compiled against the package, run in a process of its own, and has to print
 * what its `// =>` comments say, in their order. So is one marked `python` or `go`, where that is there. A block marked
 * `typescript` is a quotation: its first line names a file, and every line of it must stand there, next to each other
 * between lines that say `// …`.
 */
import { files, textOf } from './sources.js'

export interface Snippet {
  /** `README.md:12`, `traps/raw/time.ts:15`. */
  readonly at: string
  readonly code: string
}

export const PROSE = ['README.md', ...files('.md', 'docs')]

/** Every `@example` of a doc comment outside test/. */
export function examples(): Snippet[] {
  const found: Snippet[] = []
  for (const path of files('.ts').filter((one) => !/^(test|examples)\//.test(one))) {
    const text = textOf(path)
    for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
      for (const example of comment[0].matchAll(/@example *\n([\s\S]*?)(?=\n *\* @|\n *\*\/)/g)) {
        const code = (example[1] as string).replaceAll(/^ *\* ?/gm, '')
        found.push({ at: `${path}:${lineOf(text, comment.index + example.index)}`, code })
      }
    }
  }
  return found
}

/** The blocks with this mark in README and docs/. */
export function blocks(mark: string): Snippet[] {
  const found: Snippet[] = []
  for (const path of PROSE) {
    const text = textOf(path)
    for (const block of text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
      if (block[1] === mark) found.push({ at: `${path}:${lineOf(text, block.index)}`, code: block[2] as string })
    }
  }
  return found
}

/** What a program has to print: the texts of its `// =>` comments, in Python `# =>`. */
export function expectedOutput(code: string): string {
  return [...code.matchAll(/(?:\/\/|#) => (.*)$/gm)].map(([, line]) => `${line}\n`).join('')
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
