import type { LoadResult } from './protocol.js'

/** Counts what requests came to while they run. */
export class Tally {
  resumed = 0
  #failed = 0
  readonly #startedAt = performance.now()
  readonly #cpu = process.cpuUsage()
  readonly #statuses: Record<string, number> = {}
  readonly #latencies: number[] = []
  readonly #failures = new Set<string>()

  answered(status: number, milliseconds: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
    this.#latencies.push(milliseconds)
  }

  failed(error: unknown): void {
    this.#failed += 1
    if (this.#failures.size < 5) this.#failures.add(error instanceof Error ? error.message : String(error))
  }

  result(): LoadResult {
    const milliseconds = performance.now() - this.#startedAt
    const { user, system } = process.cpuUsage(this.#cpu)
    const sorted = Float64Array.from(this.#latencies).sort()
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
    return {
      seconds: milliseconds / 1000,
      answered: sorted.length,
      failed: this.#failed,
      failures: [...this.#failures],
      statuses: this.#statuses,
      p50: at(0.5),
      p99: at(0.99),
      longest: sorted.at(-1) ?? Number.NaN,
      resumed: this.resumed,
      generatorLoad: (user + system) / 1000 / milliseconds,
    }
  }
}
