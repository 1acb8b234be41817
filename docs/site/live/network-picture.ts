/**
 * The hosts and what is on its way between them at a moment.
 *
 * The hosts stay; packets are drawn anew for each frame. A lost one stops half way and fades.
 */
import { ALONE, CLIENTS, type Packet, SERVER } from './network-run.js'
import { svg } from './svg.js'

const WIDTH = 480
const HEIGHT = 260
const RADIUS = 30

const PLACES: Readonly<Record<string, readonly [x: number, y: number]>> = {
  [SERVER]: [WIDTH / 2, 60],
  ...Object.fromEntries(CLIENTS.map((name, i) => [name, [80 + i * 160, 205]])),
}

export class NetworkPicture {
  readonly element: SVGElement
  private readonly packets = svg('g', {})
  private readonly links = new Map<string, SVGElement>()

  constructor(title: string) {
    this.element = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title })
    const [x, y] = place(SERVER)
    for (const name of CLIENTS) {
      const [cx, cy] = place(name)
      const link = svg('line', { class: 'link', x1: x, y1: y, x2: cx, y2: cy })
      this.links.set(name, link)
      this.element.append(link)
    }
    this.element.append(this.packets, ...[SERVER, ...CLIENTS].flatMap(host))
  }

  /** Shows a moment. */
  show(packets: readonly Packet[], now: number, parted: boolean): void {
    this.links.get(ALONE)?.setAttribute('class', parted ? 'link parted' : 'link')
    const under = packets.filter(({ sent, until }) => sent <= now && now < until)
    this.packets.replaceChildren(...under.map((packet) => dot(packet, now)))
  }
}

function place(name: string): readonly [x: number, y: number] {
  return PLACES[name] ?? [0, 0]
}

function host(name: string): SVGElement[] {
  const [cx, cy] = place(name)
  return [
    svg('circle', { class: 'host', cx, cy, r: RADIUS }),
    svg('text', { x: cx, y: cy + 4, 'text-anchor': 'middle' }, name),
  ]
}

function dot({ from, to, sent, until, lost }: Packet, now: number): SVGElement {
  const [x1, y1] = place(from)
  const [x2, y2] = place(to)
  const share = (now - sent) / (until - sent)
  const way = lost ? Math.min(share, 0.5) : share
  // Each direction keeps to its side of the line.
  const length = Math.hypot(x2 - x1, y2 - y1)
  const cx = x1 + (x2 - x1) * way + ((y2 - y1) / length) * 6
  const cy = y1 + (y2 - y1) * way - ((x2 - x1) / length) * 6
  const opacity = lost && share > 0.5 ? 2 - 2 * share : 1
  return svg('circle', { class: lost ? 'packet lost' : 'packet', cx, cy, r: 5, opacity })
}
