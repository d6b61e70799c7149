/** What was asked, what came of it, and what the upstream must therefore have seen. */
export class Ledger {
  sent = 0
  answered = 0
  aborted = 0
  /** Requests whose connection broke without their doing: must be none. */
  broken = 0
  /** Permitted requests that were answered 200. */
  permitted = 0
  permittedWrites = 0
  readonly byStatus: Record<string, number> = {}
  /** By method and target: what the upstream must have seen, and how often at most. */
  private readonly known = new Map<string, { atLeast: 0 | 1 }>()
  private readonly unexpected = new Set<string>()

  /** A permitted request goes out: until it is answered, the upstream may have seen it or not. */
  permits(key: string): void {
    this.known.set(key, { atLeast: 0 })
  }

  answer({ key, status, isPermitted }: { key: string; status: number; isPermitted: boolean }): void {
    this.answered += 1
    this.byStatus[status] = (this.byStatus[status] ?? 0) + 1
    if (!isPermitted) {
      if (![401, 403, 405].includes(status)) this.unexpected.add(`a forbidden request was answered ${status}`)
      return
    }
    if (status === 200) {
      this.permitted += 1
      if (key.startsWith('PATCH')) this.permittedWrites += 1
      this.known.set(key, { atLeast: 1 })
      // an upstream that broke its connection is told as such; what was permitted is never refused
    } else if (![502, 503, 504].includes(status)) {
      this.unexpected.add(`a permitted request was answered ${status}`)
    }
  }

  /** Where the upstream's count is not exactly what must have reached it, in words. */
  differences(seen: ReadonlyMap<string, number>): string[] {
    const found = [...this.unexpected]
    let [lost, twice, strange] = [0, 0, 0]
    for (const [key, { atLeast }] of this.known) {
      const count = seen.get(key) ?? 0
      if (count < atLeast) lost += 1
      // a read may be asked again on a fresh connection where its own broke
      if (count > 1 && key.startsWith('PATCH')) twice += 1
    }
    for (const key of seen.keys()) if (!this.known.has(key)) strange += 1
    if (this.sent !== this.answered + this.aborted + this.broken)
      found.push('a request was neither answered nor aborted')
    if (this.broken > 0) found.push(`${this.broken} requests were broken off by the gateway`)
    if (lost > 0) found.push(`${lost} requests were answered that the upstream never had`)
    if (twice > 0) found.push(`${twice} writes reached the upstream more than once`)
    if (strange > 0) found.push(`${strange} requests reached the upstream that nobody may send`)
    return found
  }
}
