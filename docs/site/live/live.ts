/**
 * `<drupe-live>`: a program that can be read, changed and run in the page.
 *
 * Its text is what is inside the element (or inside a `pre` in it), so it can be read where no
 * script runs. With the attribute `virtual` it starts on a clock that jumps, with a simulated
 * network; `autorun` runs it at once. When a run has ended the element dispatches `ended`, with the
 * printed lines.
 */
import { History } from './history.js'
import type { News } from './news.js'
import { Run } from './run.js'
import { STYLE } from './style.js'
import { html } from './svg.js'
import { timeline } from './timeline.js'

const SEED = 1

let count = 0

export class DrupeLive extends HTMLElement {
  private readonly editor = html('textarea', { spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off' })
  private readonly runButton = html('button', { type: 'button', 'aria-keyshortcuts': 'Control+Enter' }, 'Run')
  private readonly stopButton = html('button', { type: 'button', class: 'plain', disabled: '' }, 'Stop')
  private readonly resetButton = html('button', { type: 'button', class: 'plain' }, 'Reset')
  private readonly clock = html('input', { type: 'checkbox' })
  private readonly status = html('span', { class: 'status', role: 'status' })
  private readonly output = html('pre', { role: 'log', 'aria-label': 'Output', tabindex: '0' })
  private readonly picture = html('div', {})
  private history = new History()
  private lines: string[] = []
  private current: Run | null = null
  private frame = 0

  connectedCallback(): void {
    if (this.shadowRoot !== null) return
    this.editor.value = this.source
    this.editor.rows = Math.min(30, this.source.split('\n').length + 1)
    this.clock.checked = this.hasAttribute('virtual')
    const id = `drupe-live-${++count}`
    this.editor.id = id
    const name = this.getAttribute('label') ?? 'Program'
    this.attachShadow({ mode: 'open' }).append(
      html('style', {}, STYLE),
      html(
        'div',
        { class: 'bar' },
        this.runButton,
        this.stopButton,
        this.resetButton,
        html('label', {}, this.clock, 'virtual clock and network'),
        this.status,
      ),
      html(
        'div',
        { class: 'panes' },
        html('div', {}, html('label', { for: id }, name), this.editor),
        html('div', { class: 'pane' }, this.picture, this.output),
      ),
    )
    this.runButton.addEventListener('click', () => this.run())
    this.stopButton.addEventListener('click', () => this.current?.stop())
    this.resetButton.addEventListener('click', () => {
      this.editor.value = this.source
    })
    this.editor.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      this.run()
    })
    this.draw()
    if (this.hasAttribute('autorun')) this.run()
  }

  disconnectedCallback(): void {
    this.current?.stop()
  }

  /** The program as it was written in the page. */
  get source(): string {
    const text = (this.querySelector('pre') ?? this).textContent ?? ''
    return `${text.replace(/^\n+/, '').trimEnd()}\n`
  }

  /** Runs what is in the editor now; an earlier run is stopped. */
  run(): void {
    this.current?.stop()
    this.history = new History()
    this.lines = []
    this.output.replaceChildren()
    this.status.textContent = 'running'
    this.stopButton.disabled = false
    const run = new Run({ told: (news) => this.told(news), ended: (stopped) => this.ended(stopped) })
    this.current = run
    void run.start(this.editor.value, this.clock.checked, Number(this.getAttribute('seed') ?? SEED))
  }

  private told(news: News): void {
    if (news.kind === 'print') this.print(news.at, news.text, news.error)
    else if (news.kind === 'full') this.print(this.history.latest, 'More happens than can be drawn.', true)
    this.history.add(news)
    if (this.frame !== 0) return
    this.frame = requestAnimationFrame(() => this.draw())
  }

  private print(at: number, text: string, error: boolean): void {
    this.lines.push(...text.split('\n'))
    const time = html('span', { class: 'at' }, `${Math.round(at)} ms  `.padStart(10))
    this.output.append(html('div', error ? { class: 'error' } : {}, time, text))
    this.output.scrollTop = this.output.scrollHeight
  }

  private ended(stopped: boolean): void {
    this.current = null
    this.stopButton.disabled = true
    this.draw()
    this.status.textContent = `${stopped ? 'stopped; ' : ''}${this.summary()}`
    this.dispatchEvent(new CustomEvent('ended', { bubbles: true, detail: { lines: this.lines, stopped } }))
  }

  private draw(): void {
    cancelAnimationFrame(this.frame)
    this.frame = 0
    if (this.history.size > 0) this.picture.replaceChildren(timeline(this.history, `Time line: ${this.summary()}`))
    else this.picture.replaceChildren()
  }

  private summary(): string {
    const { size, latest } = this.history
    return `${size} ${size === 1 ? 'task' : 'tasks'}, ${Math.round(latest)} ms`
  }
}

customElements.define('drupe-live', DrupeLive)
