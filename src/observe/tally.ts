import { Counter, Gauge, type Registry } from 'prom-client'

/** One series; adding to it is an addition and nothing else. */
export interface Cell {
  value: number
}

interface Series extends Cell {
  readonly labels: Readonly<Record<string, string>>
}

interface Branch {
  readonly below: Map<string, Branch>
  series: Series | undefined
}

/** Name, meaning and labels of a metric. */
export interface TallyOptions {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/**
 * A counter or gauge whose series are plain cells, handed to prom-client when somebody looks.
 *
 * prom-client builds and hashes a label text at each increment (0.3 µs); a cell is found by its label
 * values, which are the same strings every time, or kept by the caller.
 */
export class Tally {
  readonly #labels: readonly string[]
  readonly #root: Branch = { below: new Map(), series: undefined }
  #all: Series[] = []

  constructor(options: TallyOptions, registry: Registry) {
    this.#labels = options.labels
    const settings = {
      name: options.name,
      help: options.help,
      labelNames: options.labels,
      registers: [registry],
    }
    if (options.type === 'gauge') {
      const gauge: Gauge = new Gauge({
        ...settings,
        collect: () => {
          gauge.reset()
          for (const { labels, value } of this.#all) gauge.set(labels, value)
        },
      })
    } else {
      const counter: Counter = new Counter({
        ...settings,
        collect: () => {
          counter.reset()
          for (const { labels, value } of this.#all) counter.inc(labels, value)
        },
      })
    }
  }

  /** The series with these label values, made where it is missing. */
  cell(...values: readonly string[]): Cell {
    let branch = this.#root
    for (const value of values) {
      let next = branch.below.get(value)
      if (next === undefined) {
        next = { below: new Map(), series: undefined }
        branch.below.set(value, next)
      }
      branch = next
    }
    branch.series ??= this.#made(values)
    return branch.series
  }

  /** Forgets the series whose labels answer to this. A cell kept by a caller counts no more. */
  remove(isGone: (labels: Readonly<Record<string, string>>) => boolean): void {
    const kept = this.#all.filter(({ labels }) => !isGone(labels))
    if (kept.length === this.#all.length) return
    this.#root.below.clear()
    this.#root.series = undefined
    this.#all = []
    for (const { labels, value } of kept) {
      this.cell(...this.#labels.map((name) => labels[name] ?? '')).value = value
    }
  }

  #made(values: readonly string[]): Series {
    const labels = Object.fromEntries(this.#labels.map((name, index) => [name, values[index] ?? '']))
    const series = { labels, value: 0 }
    this.#all.push(series)
    return series
  }
}
