/** The site, as Astro and Starlight build it: pages and sidebar from pages.json, which build.mjs makes. */
import { readFileSync } from 'node:fs'
import starlight from '@astrojs/starlight'
import { defineConfig } from 'astro/config'
import { RANKING } from './ranking.mjs'

const { sidebar } = JSON.parse(readFileSync(new URL('pages.json', import.meta.url), 'utf8'))

export default defineConfig({
  site: process.env.SITE_URL,
  trailingSlash: 'always',
  outDir: 'html',
  devToolbar: { enabled: false },
  integrations: [
    starlight({
      title: 'Drupe',
      description: 'Structured concurrency and native I/O for TypeScript.',
      customCss: ['./src/styles/site.css'],
      sidebar,
      head: [{ tag: 'script', attrs: { type: 'module', src: '/paper.js' } }],
      pagination: true,
      // What a title says counts, but it is no more than a heading: queries.mjs was tried with both.
      pagefind: { ranking: RANKING },
      lastUpdated: false,
      disable404Route: false,
      expressiveCode: {
        defaultProps: { wrap: true },
        themes: ['github-dark', 'github-light'],
        styleOverrides: { borderRadius: '0.4rem' },
      },
    }),
  ],
})
