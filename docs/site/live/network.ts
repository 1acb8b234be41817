/**
 * `<drupe-network>`: hosts that talk on a simulated network, and controls for what goes wrong.
 *
 * The simulation takes no time, so it runs ahead and the picture follows at the pace of the page's
 * clock (`speed` times as fast). Whoever moves a control changes the list of changes, and the run
 * is made anew: the same until now, something else from here on. With the same seed and no changes
 * it is always the same. Nothing moves before `Play` is pressed.
 */
import { NetworkPicture } from './network-picture.js'
import { ALONE, type Change, type Remark, type Story, simulate } from './network-run.js'
import { STYLE } from './style.js'
import { html } from './svg.js'

/** How far the simulation is ahead, and when more of it is made. */
const AHEAD_MS = 20_000
const NEAR_MS = 5000
/** Then it stops: each look ahead begins at the start, and takes longer than the one before. */
const MOST_MS = 180_000
const LATENCY_MS = 300
const SEED = 1
const MOST_REMARKS = 200

const OWN_STYLE = `
svg .link { stroke: var(--border); stroke-width: 2 }
svg .link.parted { stroke: var(--failed); stroke-dasharray: 3 6 }
svg .host { fill: var(--wait); stroke: var(--accent); stroke-width: 2 }
svg .packet { fill: var(--accent) }
svg .packet.lost { fill: var(--failed) }
pre { height: 12rem }
`

let count = 0

export class DrupeNetwork extends HTMLElement {
  private readonly playButton = html('button', { type: 'button' }, 'Play')
  private readonly restartButton = html('button', { type: 'button', class: 'plain' }, 'Restart')
  private readonly partButton = html(
    'button',
    { type: 'button', class: 'plain', 'aria-pressed': 'false' },
    `Cut off ${ALONE}`,
  )
  private readonly latency = html('input', { type: 'range', min: 20, max: 2000, step: 20, value: LATENCY_MS })
  private readonly loss = html('input', { type: 'range', min: 0, max: 60, step: 5, value: 0 })
  private readonly seed = html('input', { type: 'number', min: 0, step: 1, value: SEED })
  private readonly clock = html('span', { class: 'status' })
  private readonly output = html('pre', { role: 'log', 'aria-label': 'What the hosts notice', tabindex: '0' })
  private readonly picture = new NetworkPicture(
    'Three hosts, ada, grace and joan, each connected to a server; packets move along the lines.',
  )
  private changes: Change[] = []
  private story: Story = { packets: [], remarks: [] }
  private end = 0
  private now = 0
  private shown = 0
  private last: number | null = null
  private frame = 0

  connectedCallback(): void {
    if (this.shadowRoot === null) this.build()
    this.restart()
    if (this.hasAttribute('autorun')) this.play()
  }

  disconnectedCallback(): void {
    this.pause()
  }

  private build(): void {
    const id = `drupe-network-${++count}`
    const seed = html('label', {}, 'Seed', this.seed)
    this.seed.value = this.getAttribute('seed') ?? String(SEED)
    const sliders = [
      this.slider(`${id}-latency`, 'Latency', this.latency, 'ms'),
      this.slider(`${id}-loss`, 'Loss', this.loss, '%'),
    ]
    this.attachShadow({ mode: 'open' }).append(
      html('style', {}, STYLE + OWN_STYLE),
      html('div', { class: 'bar' }, this.playButton, this.restartButton, this.partButton, seed, this.clock),
      html('div', { class: 'bar' }, ...sliders),
      html('div', { class: 'panes' }, this.picture.element, this.output),
    )
    this.playButton.addEventListener('click', () => (this.last === null ? this.play() : this.pause()))
    this.restartButton.addEventListener('click', () => this.restart())
    this.seed.addEventListener('change', () => this.restart())
    this.latency.addEventListener('change', () => this.change())
    this.loss.addEventListener('change', () => this.change())
    this.partButton.addEventListener('click', () => {
      this.partButton.ariaPressed = String(!this.parted)
      this.change()
    })
  }

  private slider(id: string, name: string, input: HTMLInputElement, unit: string): HTMLElement {
    const value = html('output', { for: id })
    const show = (): void => {
      value.textContent = `${input.value} ${unit}`
      input.setAttribute('aria-valuetext', value.textContent)
    }
    input.id = id
    input.addEventListener('input', show)
    show()
    return html('span', {}, html('label', { for: id }, name), ' ', input, ' ', value)
  }

  private get parted(): boolean {
    return this.partButton.ariaPressed === 'true'
  }

  private get speed(): number {
    return Number(this.getAttribute('speed') ?? 1)
  }

  /** From the start, with what the controls say now. */
  private restart(): void {
    this.changes = []
    this.now = this.shown = 0
    this.output.replaceChildren()
    this.change()
  }

  /** From now on it is as the controls say. */
  private change(): void {
    const { latency, loss, parted } = this
    this.changes.push({ at: this.now, latency: Number(latency.value), loss: Number(loss.value) / 100, parted })
    this.lookAhead()
    this.draw()
  }

  private lookAhead(): void {
    this.end = this.now + AHEAD_MS
    this.story = simulate(Number(this.seed.value) || 0, this.changes, this.end)
  }

  private play(): void {
    this.last = performance.now()
    this.playButton.textContent = 'Pause'
    this.frame = requestAnimationFrame((time) => this.step(time))
  }

  private pause(): void {
    cancelAnimationFrame(this.frame)
    this.last = null
    this.playButton.textContent = 'Play'
  }

  private step(time: number): void {
    const passed = Math.max(0, time - (this.last ?? time))
    this.last = time
    // A page that was hidden for long goes on where it was.
    this.now += Math.min(passed * this.speed, NEAR_MS)
    if (this.now > this.end - NEAR_MS) this.lookAhead()
    this.draw()
    if (this.now > MOST_MS) {
      this.pause()
      return
    }
    this.frame = requestAnimationFrame((next) => this.step(next))
  }

  private draw(): void {
    this.picture.show(this.story.packets, this.now, this.parted)
    this.clock.textContent = `${(this.now / 1000).toFixed(1)} s`
    const { remarks } = this.story
    for (let next = remarks[this.shown]; next !== undefined && next.at <= this.now; next = remarks[this.shown]) {
      this.say(next)
      this.shown++
    }
  }

  private say({ at, host, text }: Remark): void {
    const time = html('span', { class: 'at' }, `${(at / 1000).toFixed(2)} s  `.padStart(10))
    this.output.append(html('div', {}, time, `${host} ${text}`))
    while (this.output.childElementCount > MOST_REMARKS) this.output.firstElementChild?.remove()
    this.output.scrollTop = this.output.scrollHeight
  }
}

customElements.define('drupe-network', DrupeNetwork)
