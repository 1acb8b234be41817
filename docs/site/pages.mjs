/**
 * Which page of the repository stands where on the site. The one table of it: the sidebar, the
 * routes, the lists for machines and the checks are all made from what is here.
 *
 * A page is written once, in docs/, where GitHub shows it and the tests run its programs; the site
 * has it under a route. A section is a title, the folder of its routes, and its pages in the order
 * in which they are read: a path from the root of the repository, or a pattern.
 */

/** Folders whose pages have routes of the same names: `docs/guides/files.md` is `guides/files`. */
const FOLDERS = [
  [/^docs\/guides\/start\/(.+)\.md$/, 'start/$1'],
  [/^docs\/guides\/how-a-trap-travels\.md$/, 'internals/how-a-trap-travels'],
  [/^docs\/guides\/(.+)\.md$/, 'guides/$1'],
  [/^docs\/cookbook\/README\.md$/, 'cookbook'],
  [/^docs\/cookbook\/(.+)\.md$/, 'cookbook/$1'],
  [/^docs\/errors\/README\.md$/, 'errors'],
  [/^docs\/errors\/(.+)\.md$/, 'errors/$1'],
  [/^docs\/recipes\/(.+)\.md$/, 'internals/recipes/$1'],
  [/^docs\/decisions\/README\.md$/, 'internals/decisions'],
  [/^docs\/decisions\/(.+)\.md$/, 'internals/decisions/$1'],
  [/^docs\/design\.md$/, 'internals/design'],
  [/^docs\/(benchmarks|performance)\.md$/, 'proof/$1'],
  [/^dist\/conformance\.md$/, 'proof/conformance'],
  [/^docs\/(glossary|roadmap|faq)\.md$/, 'project/$1'],
  [/^docs\/([^/]+)\.md$/, '$1'],
  [/^CHANGELOG\.md$/, 'project/changelog'],
  [/^CONTRIBUTING\.md$/, 'project/contributing'],
  [/^(examples\/.+)\.ts$/, '$1'],
  [/^(.+)\.(\w+)$/, 'source/$1-$2'],
]

/** The route of a file of the repository, without slashes around it: `guides/files`; README is the first page. */
export function routeOf(path) {
  if (path === 'README.md') return ''
  const [pattern, route] = FOLDERS.find(([pattern]) => pattern.test(path))
  // Astro passes over names that begin with a dot.
  return path.replace(pattern, route).replaceAll('/.', '/')
}

/** What stands in the sidebar, from the top; patterns are sorted by name. */
export const SECTIONS = [
  ['Start', ['docs/why.md', 'docs/guides/getting-started.md', /^docs\/guides\/start\//, 'docs/compare.md']],
  [
    'Guides',
    [
      'docs/guides/structured-concurrency.md',
      'docs/guides/synchronisation.md',
      'docs/guides/around-io.md',
      'docs/guides/streams.md',
      'docs/guides/datagrams.md',
      'docs/guides/tls.md',
      'docs/guides/bridges.md',
      'docs/guides/files.md',
      'docs/guides/processes.md',
      'docs/guides/threads.md',
      'docs/guides/c.md',
      'docs/guides/testing.md',
      'docs/guides/embedding.md',
    ],
  ],
  ['Cookbook', ['docs/cookbook/README.md', /^docs\/cookbook\/(?!README)/]],
  ['Examples', [/^examples\//]],
  ['Errors', ['docs/errors/README.md', /^docs\/errors\/DRUPE/]],
  [
    'Internals',
    [
      'docs/design.md',
      'docs/guides/how-a-trap-travels.md',
      /^docs\/recipes\//,
      'docs/decisions/README.md',
      /^docs\/decisions\/\d/,
    ],
  ],
  ['Proof', ['docs/platforms.md', 'docs/benchmarks.md', 'docs/performance.md', 'dist/conformance.md']],
  ['Project', ['docs/roadmap.md', 'docs/faq.md', 'docs/glossary.md', 'CHANGELOG.md', 'CONTRIBUTING.md']],
]

/** The pages of each section among those that there are. */
export function sectionsOf(paths) {
  const left = new Set(paths)
  return SECTIONS.map(([title, wanted]) => {
    const found = wanted.flatMap((one) => [...left].filter((path) => path === one || one.test?.(path)).sort())
    for (const path of found) left.delete(path)
    return [title, found]
  })
}
