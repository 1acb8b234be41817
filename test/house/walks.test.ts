/**
 * A stranger's walk: docs/guides/how-a-trap-travels.md follows three requests, and each goes forward through the rooms.
 *
 * The rooms are those of the quotations, which another test compares with the sources. A way is what stands below one
 * heading of the third level. What has left a room must not come back to it on the same way.
 */
import test from 'ava'
import { textOf } from './sources.js'

const GUIDE = 'docs/guides/how-a-trap-travels.md'

interface Way {
  readonly name: string
  readonly rooms: readonly string[]
}

function ways(): Way[] {
  return textOf(GUIDE)
    .split(/^## /m)
    .slice(1)
    .flatMap((walk) => {
      const [title = ''] = walk.split('\n')
      return walk
        .split(/^### /m)
        .slice(1)
        .map((way) => {
          const files = [...way.matchAll(/^```typescript\n\/\/ (\S+)$/gm)].map(([, file = '']) => file)
          return {
            name: `${title}: ${way.split('\n')[0]}`,
            rooms: files.map((file) => file.slice(0, file.lastIndexOf('/'))),
          }
        })
    })
}

test('there are three walks, and each crosses from traps/ into the kernel; one goes down to the ring', (t) => {
  const all = ways()
  t.true(all.length >= 7)
  for (const walk of ['yield* sleep(10)', 'yield* stream.read()', 'spawn and cancel']) {
    const rooms = all.filter(({ name }) => name.startsWith(walk)).flatMap((way) => way.rooms)
    t.true(
      rooms.some((room) => room.startsWith('traps/')),
      walk,
    )
    t.true(rooms.includes('kernel/schedule'), walk)
  }
  t.true(all.some(({ rooms }) => rooms[0] === 'traps/net' && rooms.at(-1) === 'native/linux/uring'))
})

for (const { name, rooms } of ways()) {
  test(`${name}: it goes forward, and comes back to no room that it has left`, (t) => {
    const left = new Set<string>()
    let here = ''
    for (const room of rooms) {
      if (room === here) continue
      t.false(left.has(room), `${rooms.join(' → ')} comes back to ${room}`)
      left.add(here)
      here = room
    }
    t.pass()
  })
}
