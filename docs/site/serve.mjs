/** `npm run site:serve [port]`: the built site at http://localhost:4321; files as they are, nothing else. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, normalize } from 'node:path'
import { pathToFileURL } from 'node:url'

const BUILT = new URL('../../dist/site/html/', import.meta.url)

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
}

/** A folder has its index.html; what leads out of the site, or is not there, is the page for that. */
async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost')
  const path = normalize(decodeURIComponent(pathname)).replace(/^[/\\.]+/, '')
  const file = path === '' || path.endsWith('/') ? `${path}index.html` : path
  try {
    const body = await readFile(new URL(file, BUILT))
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body)
  } catch {
    response.writeHead(404, { 'content-type': TYPES['.html'] }).end(await readFile(new URL('404.html', BUILT)))
  }
}

/** A server of the site, on a port of its own or the one that is given. */
export function serve(port = 0) {
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server))
  })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await serve(Number(process.argv[2] ?? 4321))
  console.log(`http://localhost:${server.address().port}/`)
}
