/**
 * A picture of docs/pictures, put into a page. As a file it follows the system's theme, in a page
 * it has to follow the page's: so its rules are nested under a class of its own, and those for the
 * dark hang on the theme that the reader has chosen. Its ids get its name, as two may share a page.
 */
const DARK = /@media\s*\(prefers-color-scheme:\s*dark\)\s*\{((?:[^{}]*\{[^{}]*\})*)\s*\}/

export function picture(path, svg) {
  const name = `picture-${path.replace(/^.*\/|\.svg$/g, '')}`
  const own = svg
    .replace(/\bid="(\w+)"/g, `id="${name}-$1"`)
    .replace(/url\(#(\w+)\)/g, `url(#${name}-$1)`)
    .replace(/aria-labelledby="([^"]+)"/, (_, ids) => `aria-labelledby="${ids.replace(/\w+/g, `${name}-$&`)}"`)
    .replace('<svg ', `<svg class="picture ${name}" `)
    .replace(/<style>([\s\S]*?)<\/style>/, (_, rules) => {
      const dark = DARK.exec(rules)?.[1] ?? ''
      return `<style>.${name}{${rules.replace(DARK, '')}}:root[data-theme=dark] .${name}{${dark}}</style>`
    })
  // A blank line would end the block of HTML.
  return own.replace(/\n\s*\n/g, '\n').trim()
}
