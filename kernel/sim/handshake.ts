/**
 * How a connection is made: a request, an answer, and a place in the listener's queue.
 *
 * The request is sent again while no answer comes, because the host is down, the network is cut, or
 * the queue is full. A host that is up and has no listener there refuses.
 */
import type { IpAddress } from './address.js'
import { ECONNREFUSED, ETIMEDOUT } from './errno.js'
import type { SimHost } from './host.js'
import { DATA, REQUEST } from './path.js'
import { join, SimSocket } from './socket.js'

/** Begins to connect a socket that has its local address to a host that exists. */
export function requestConnection(client: SimSocket, target: SimHost, address: IpAddress): void {
  client.connecting = true
  const there = client.home.pathTo(target)
  const back = target.pathTo(client.home)
  const isWanted = (): boolean => client.connecting && !client.closed
  const fail = (error: number): void => {
    if (!isWanted()) return
    client.connecting = false
    client.error = error
    client.touch()
  }
  let answered = false
  const arrive = (): boolean => {
    if (answered || !isWanted()) return true
    if (!target.up) return false
    const listener = target.listenerAt(address)
    if (listener === null) {
      back.send(0, () => fail(ECONNREFUSED))
      return true
    }
    if (isFull(listener)) return false
    answered = true
    listener.arriving++
    const server = serverEnd(client, listener, target, address)
    back.deliver(
      0,
      DATA,
      isWanted,
      () => established(client, server, listener),
      () => {},
    )
    return true
  }
  there.deliver(0, REQUEST, isWanted, arrive, () => fail(ETIMEDOUT))
}

/** Unix sockets are in the queue as soon as they connect. False if there is no room. */
export function connectLocally(client: SimSocket, listener: SimSocket): boolean {
  if (isFull(listener)) return false
  const server = new SimSocket('unix', listener.home, null)
  server.local = listener.local
  server.remote = { family: 'unix', path: client.local?.family === 'unix' ? client.local.path : '' }
  client.remote = listener.local
  join(client, server)
  listener.queue?.add(server)
  listener.touch()
  return true
}

function isFull({ queue, arriving, backlog }: SimSocket): boolean {
  return (queue?.size ?? 0) + arriving > backlog
}

/** The socket that the listener's process will accept. */
function serverEnd(client: SimSocket, listener: SimSocket, target: SimHost, address: IpAddress): SimSocket {
  const server = new SimSocket(listener.kind, target, null)
  server.local = target.seenBy(listener, address)
  server.remote = target.seenBy(listener, client.ip as IpAddress)
  server.sendBytes = listener.sendBytes
  server.receiveBytes = listener.receiveBytes
  return server
}

/**
 * The answer has arrived at the client, which may write at once; its acknowledgement puts it into
 * the listener's queue.
 */
function established(client: SimSocket, server: SimSocket, listener: SimSocket): boolean {
  const there = client.home.pathTo(server.home)
  if (client.closed || !client.connecting) {
    there.deliver(
      0,
      DATA,
      () => true,
      () => void listener.arriving--,
      () => {},
    )
    return true
  }
  client.connecting = false
  join(client, server)
  client.touch()
  const queued = (): boolean => {
    if (!server.home.up) return false
    listener.arriving--
    if (listener.closed) {
      server.reset()
    } else if (!server.broken) {
      listener.queue?.add(server)
      listener.touch()
    }
    return true
  }
  there.deliver(
    0,
    DATA,
    () => true,
    queued,
    () => listener.arriving--,
  )
  return true
}
