/**
 * What the tests have shown: a page that a run of all of them makes, and that is not committed. Its
 * lists are long, so it gets a filter (public/filter.js); without a script it is as it was written.
 * Where no run has made it, the page says which command does, so that links to it lead somewhere.
 */
export const CONFORMANCE = 'dist/conformance.md'

export const UNTESTED = `# Conformance

What Drupe does, as its tests say it: this page is made of the sentences that are their names, after a run of all of them.

No run came before this build of the site. In the repository it is two commands:

\`\`\`sh
npm run conformance   # runs the tests and writes dist/conformance.md
npm run site          # builds the site, with that page in it
\`\`\`
`

/** Two hundred files are no table of contents. */
export const ABOUT_IT = 'tableOfContents:\n  maxHeadingLevel: 2\n'

const SCRIPT = '<script type="module" src="/filter.js"></script>'

export function withFilter(text) {
  // Frontmatter is GitHub's; what stands here is written anew.
  return `${text.replace(/^---\n[\s\S]*?\n---\n/, '').trimEnd()}\n\n${SCRIPT}\n`
}
