/** The label that stands for every partner beyond the limit. */
export const otherPartner = 'other'

/**
 * Which partners have series of their own: the first to be seen, up to a limit over all environments.
 *
 * A scrape costs 24 µs a series; a list of partners may be any length.
 */
export class PartnerLabels {
  readonly #limit: number
  readonly #named = new Map<string, Set<string>>()
  #count = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The partner's id, or `other`. */
  labelOf(environment: string, partner: string): string {
    const named = this.#named.get(environment)
    if (named?.has(partner) === true) return partner
    if (this.#count >= this.#limit) return otherPartner
    if (named === undefined) this.#named.set(environment, new Set([partner]))
    else named.add(partner)
    this.#count += 1
    return partner
  }

  /** Makes room: partners that are not known any more lose their label. */
  keep(isKnown: (environment: string, partner: string) => boolean): void {
    for (const [environment, named] of this.#named) {
      for (const partner of [...named]) {
        if (isKnown(environment, partner)) continue
        named.delete(partner)
        this.#count -= 1
      }
    }
  }
}
