/**
 * Markdown out of numbers, ready to be pasted into docs/benchmarks.md.
 *
 * One idea: the claims we make are computed from the same run as the table above them, and printed whether they
 * hold or not. A claim whose peer could not run says so instead of passing.
 */
import { cpus, release, totalmem, type } from 'node:os'
import { median, type Outcome, ratio, value } from './harness.js'

export interface Column {
  readonly key: string
  readonly title: string
  /** How a value is written; default is three significant digits. */
  readonly format?: (value: number) => string
}

export interface Claim {
  readonly text: string
  readonly value: number | undefined
  readonly bound: number
  readonly want: 'at most' | 'at least'
}

/** The machine line: without it a number is gossip. */
export function machine(): string {
  const all = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  const driver = process.env['DRUPE_DRIVER'] ? ` · DRUPE_DRIVER=${process.env['DRUPE_DRIVER']}` : ''
  const day = new Date().toISOString().slice(0, 10)
  return `${all[0]?.model.trim() ?? 'unknown cpu'}, ${all.length} cores, ${memory} GiB · ${type()} ${release()} · Node ${process.versions.node}${driver} · ${day}`
}

export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headers, headers.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/**
 * One row per variant: its medians, how many times our number its first number is, and the range over the rounds.
 */
export function outcomeTable(outcomes: readonly Outcome[], columns: readonly Column[], base: string): string {
  const [main] = columns
  if (!main) return ''
  const ours = value(outcomes, base, main.key)
  const rows = outcomes.map((o) => {
    if (o.skip !== undefined) return [o.name, `skipped: ${o.skip}`, ...columns.slice(1).map(() => ''), '', '']
    const cells = columns.map((c) => show(value(outcomes, o.name, c.key), c.format))
    return [o.name, ...cells, show(ratio(value(outcomes, o.name, main.key), ours)), range(o, main)]
  })
  return table(['variant', ...columns.map((c) => c.title), '÷ ours', 'range'], rows)
}

function range(outcome: Outcome, column: Column): string {
  const values = outcome.samples.map((s) => s[column.key]).filter((v): v is number => v !== undefined)
  if (values.length < 2) return ''
  return `${show(Math.min(...values), column.format)}–${show(Math.max(...values), column.format)}`
}

export function show(value: number | undefined, format: (value: number) => string = digits): string {
  return value === undefined || Number.isNaN(value) ? '–' : format(value)
}

/** Three significant digits, thousands without an exponent. */
export function digits(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en-US')
  return size >= 10 ? value.toFixed(1) : size >= 0.01 ? value.toFixed(2) : value.toPrecision(2)
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
export const thousands = (value: number): string => (value / 1000).toFixed(1)
export const bytes = (value: number): string =>
  value >= 1 << 20
    ? `${+(value / (1 << 20)).toFixed(1)} MiB`
    : value >= 1024
      ? `${+(value / 1024).toFixed(1)} KiB`
      : `${Math.round(value)} B`

/** The claims and whether this run bears them out. */
export function claimTable(claims: readonly Claim[]): string {
  if (claims.length === 0) return ''
  const rows = claims.map((c) => {
    const holds =
      c.value === undefined
        ? 'not measured'
        : (c.want === 'at most' ? c.value <= c.bound : c.value >= c.bound)
          ? 'yes'
          : '**no**'
    return [c.text, `${c.want} ${digits(c.bound)}`, show(c.value), holds]
  })
  return table(['claim', 'bound', 'measured', 'holds'], rows)
}

/** Median of a key over many outcomes' samples, for a summary over cells. */
export function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const present = values.filter((v): v is number => v !== undefined)
  return present.length === 0 ? undefined : median(present)
}
