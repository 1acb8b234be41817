/**
 * One run of a program: a worker that is made for it and ended after it.
 *
 * Whatever the program does, the page goes on: a loop without end holds the worker's thread, and
 * `stop` ends that.
 */
import type { News, Order } from './news.js'

export interface Listener {
  told(news: News): void
  /** No more will come; `stopped`: because it was asked for. */
  ended(stopped: boolean): void
}

export class Run {
  private worker: Worker | null = null
  private ended = false

  constructor(private readonly listener: Listener) {}

  /** Begins; what is wrong with the program is printed like what it prints. */
  async start(source: string, virtual: boolean, seed: number): Promise<void> {
    let code: string
    try {
      const { toModule } = await import('./strip.js')
      code = toModule(source, import.meta.url)
    } catch (error) {
      this.fail(error)
      return
    }
    if (this.ended) return
    const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' })
    this.worker = worker
    worker.addEventListener('message', ({ data }: MessageEvent<News>) => {
      if (data.kind === 'over') this.end(false)
      else this.listener.told(data)
    })
    worker.addEventListener('error', (event) =>
      this.fail(new Error(event.message || 'The worker could not be started')),
    )
    worker.postMessage({ code, virtual, seed } satisfies Order)
  }

  stop(): void {
    this.end(true)
  }

  private fail(error: unknown): void {
    this.listener.told({ kind: 'print', at: 0, text: String(error), error: true })
    this.end(false)
  }

  private end(stopped: boolean): void {
    if (this.ended) return
    this.ended = true
    this.worker?.terminate()
    this.listener.ended(stopped)
  }
}
