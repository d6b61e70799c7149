import type { AuditEvent } from './audit-event.js'

interface Exemplar {
  readonly requestId: string
  readonly traceId: string | undefined
  readonly seconds: number
  /** Epoch milliseconds. */
  readonly at: number
}

/** The last request of each bucket of one series. */
export type ExemplarSeries = (Exemplar | undefined)[]

/** Labels as they stand in the text, with what stands behind each bucket. */
export type ExemplarList = readonly (readonly [labels: string, series: ExemplarSeries])[]

/**
 * For each bucket of a histogram the last request that fell into it, so that a slow one is found in log
 * and audit trail.
 *
 * prom-client keeps exemplars of histograms that are observed through objects alone, at several times the cost.
 *
 * @see OpenMetrics 1.0, section Exemplars
 */
export class Exemplars {
  private readonly name: string
  private readonly bounds: readonly number[]
  private readonly series = new Map<string, ExemplarSeries>()

  constructor(name: string, bounds: readonly number[]) {
    this.name = name
    this.bounds = bounds
  }

  of(environment: string, api: string): ExemplarSeries {
    const series: ExemplarSeries = []
    this.series.set(`environment="${environment}",api="${api}"`, series)
    return series
  }

  note(
    series: ExemplarSeries,
    bucket: number,
    {
      requestId,
      traceId,
      time,
      durationMs = 0,
    }: Partial<Pick<AuditEvent, 'requestId' | 'traceId' | 'time' | 'durationMs'>>,
  ): void {
    if (requestId === undefined || time === undefined) return
    series[bucket] = { requestId, traceId, seconds: durationMs / 1_000, at: time + durationMs }
  }

  /** Every series, as `take` reads it. */
  all(): ExemplarList {
    return [...this.series]
  }

  /** Adds those of another process; of two of one bucket the later stays. */
  take(list: ExemplarList): void {
    for (const [labels, theirs] of list) {
      const ours = this.series.get(labels) ?? []
      this.series.set(labels, ours)
      for (const [bucket, exemplar] of theirs.entries()) {
        if (exemplar !== undefined && exemplar.at >= (ours[bucket]?.at ?? -Infinity)) ours[bucket] = exemplar
      }
    }
  }

  /** What stands behind a sample line of this series; undefined where nothing does. */
  textOf(series: string): string | undefined {
    if (!series.startsWith(`${this.name}_bucket{`)) return undefined
    const found = /\{le="([^"]+)",(.*)\}$/.exec(series)
    const bound = found?.[1] ?? ''
    const bucket = bound === '+Inf' ? this.bounds.length : this.bounds.indexOf(Number(bound))
    const exemplar = this.series.get(found?.[2] ?? '')?.[bucket]
    if (exemplar === undefined) return undefined
    const { requestId, traceId, seconds, at } = exemplar
    const trace = traceId === undefined ? '' : `,trace_id="${traceId}"`
    return ` # {request_id="${requestId}"${trace}} ${seconds} ${(at / 1_000).toFixed(3)}`
  }
}
