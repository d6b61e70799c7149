import type { Metric, Registry } from 'prom-client'

/** What was observed of one series. */
export interface Spread {
  /** By bucket, the last one beyond every bound; each observation is in one of them. */
  readonly counts: number[]
  sum: number
}

/** Name, meaning, labels and upper bounds of the buckets, ascending. */
export interface DistributionOptions {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly bounds: readonly number[]
}

interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/**
 * A histogram whose series are plain counts, handed to prom-client's registry when somebody looks.
 *
 * prom-client's own checks and hashes its labels at each observation (1 µs); here that is an addition.
 */
export class Distribution {
  readonly #options: DistributionOptions
  readonly #series: { readonly labels: Readonly<Record<string, string>>; readonly spread: Spread }[] = []

  constructor(options: DistributionOptions, registry: Registry) {
    this.#options = options
    const { name, help } = options
    const metric = {
      name,
      get: () =>
        Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: this.#samples() }),
      reset: () => {
        for (const { spread } of this.#series) clear(spread)
      },
    }
    registry.registerMetric(metric as unknown as Metric) // all that a registry asks of one
  }

  /** A new series with these label values; made once for each. */
  series(...values: readonly string[]): Spread {
    const { labels, bounds } = this.#options
    const spread = { counts: Array<number>(bounds.length + 1).fill(0), sum: 0 }
    this.#series.push({
      labels: Object.fromEntries(labels.map((name, index) => [name, values[index] ?? ''])),
      spread,
    })
    return spread
  }

  /** The bucket of a value. */
  bucketOf(value: number): number {
    const { bounds } = this.#options
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket += 1
    return bucket
  }

  #samples(): readonly Sample[] {
    const { name, bounds } = this.#options
    return this.#series.flatMap(({ labels, spread }) => {
      const { counts, sum } = spread
      let count = 0
      const buckets = counts.map((each, index) => {
        count += each
        return {
          metricName: `${name}_bucket`,
          labels: { le: bounds[index] ?? '+Inf', ...labels },
          value: count,
        }
      })
      // there from its first observation on
      if (count === 0) return []
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]
    })
  }
}

function clear(spread: Spread): void {
  spread.counts.fill(0)
  spread.sum = 0
}
