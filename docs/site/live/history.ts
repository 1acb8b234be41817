/**
 * What has been told of a program so far, as rows to draw: a row for each task, below its parent.
 */
import type { End, News } from './news.js'

/** From when to when a task ran. */
export type Span = readonly [from: number, to: number]

export interface Row {
  readonly name: string
  readonly depth: number
  readonly from: number
  /** When it ended; null while it is alive. */
  to: number | null
  state: End | null
  readonly steps: Span[]
  /** When cancels were delivered to it. */
  readonly cancels: number[]
  readonly children: Row[]
}

export class History {
  private readonly rows = new Map<number, Row>()
  private readonly roots: Row[] = []
  /** The latest time that anything has. */
  latest = 0

  get size(): number {
    return this.rows.size
  }

  add(news: News): void {
    if (!('task' in news)) return
    this.latest = Math.max(this.latest, news.at)
    if (news.kind === 'spawn') {
      const parent = this.rows.get(news.parent)
      const depth = parent === undefined ? 0 : parent.depth + 1
      const row: Row = {
        name: news.name,
        depth,
        from: news.at,
        to: null,
        state: null,
        steps: [],
        cancels: [],
        children: [],
      }
      this.rows.set(news.task, row)
      ;(parent?.children ?? this.roots).push(row)
      return
    }
    const row = this.rows.get(news.task)
    if (row === undefined) return
    if (news.kind === 'step') row.steps.push([news.at, news.until])
    else if (news.kind === 'cancel') row.cancels.push(news.at)
    else if (news.kind === 'end') [row.to, row.state] = [news.at, news.state]
  }

  /** Every row, each after its parent. */
  *inOrder(rows: readonly Row[] = this.roots): Iterable<Row> {
    for (const row of rows) {
      yield row
      yield* this.inOrder(row.children)
    }
  }
}
