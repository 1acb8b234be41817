/**
 * An echo server on Bun's own sockets. Prints "listening PORT".
 *
 * One idea: Bun.listen is callbacks; `write` says how much it took, and the rest waits for `drain`.
 */
const server = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true)
      socket.data = []
    },
    data(socket, chunk) {
      const rest = socket.data
      const put = rest.length === 0 ? socket.write(chunk) : 0
      // The chunk is Bun's own buffer only for this call: what stays is copied.
      if (put < chunk.length) rest.push(chunk.slice(Math.max(put, 0)))
    },
    drain(socket) {
      const rest = socket.data
      while (rest.length > 0) {
        const put = socket.write(rest[0])
        if (put < rest[0].length) {
          rest[0] = rest[0].subarray(Math.max(put, 0))
          return
        }
        rest.shift()
      }
    },
    error() {},
  },
})
console.log(`listening ${server.port}`)
