/**
 * An echo server on Deno's own sockets: an async function and a buffer of 256 KiB for each connection.
 * Prints "listening PORT".
 *
 * One idea: Deno's API is the closest of the JavaScript runtimes to ours: read into my buffer, write my bytes.
 */
const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 })
console.log(`listening ${listener.addr.port}`)

async function echo(connection) {
  connection.setNoDelay(true)
  const buffer = new Uint8Array(256 * 1024)
  try {
    for (;;) {
      const got = await connection.read(buffer)
      if (got === null) break
      for (let put = 0; put < got; ) put += await connection.write(buffer.subarray(put, got))
    }
  } catch {
    // Reset by the other side: nothing to echo to.
  }
  connection.close()
}

for await (const connection of listener) echo(connection)
