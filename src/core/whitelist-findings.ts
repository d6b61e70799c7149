import type { Diagnostic, Place } from './diagnostic.js'
import type { PartnerDeclaration } from './partner.js'

// an operator reads the first ones; a broken export must not fill the memory with the others
const mostKept = 1000

/** A collision: the entry that comes second, and the place of the one before. */
export interface Collision {
  readonly code: 'duplicate-subject' | 'duplicate-public-key' | 'duplicate-partner'
  /** What both claim, for people. */
  readonly what: string
  readonly place: Place
  readonly first: Place
}

/** The errors and warnings of a whitelist, bounded, in the order found. */
export class WhitelistFindings {
  readonly #kept = { error: new Array<Diagnostic>(), warning: new Array<Diagnostic>() }
  readonly #left = { error: 0, warning: 0 }

  /** What is wrong with a declaration by itself: an entry that can match nothing. */
  judgePartner({ id, place, certificates, apis, establishments, ...dates }: PartnerDeclaration): void {
    const who = `partner \`${id}\``
    if (certificates.length === 0) {
      this.error('partner-without-certificate', place, `${who} has no certificate, so nothing can match it`)
    }
    if (apis.length === 0) {
      this.error('partner-without-api', place, `${who} is granted no API, so nothing can match it`)
    }
    const { validFrom, validUntil } = dates
    if (validFrom !== undefined && validUntil !== undefined && validUntil <= validFrom) {
      this.error(
        'partner-never-valid',
        place,
        `${who} is never valid: expected \`validUntil\` after \`validFrom\``,
      )
    }
    for (const certificate of certificates) {
      if (certificate.subject !== undefined || certificate.publicKey !== undefined) continue
      const message = `a certificate of ${who} has neither a subject nor a public key, so nothing can match it`
      this.error('certificate-unidentified', certificate.place, message)
    }
    const allOwn = certificates.every((certificate) => certificate.establishments !== undefined)
    if (establishments.length > 0 && certificates.length > 0 && allOwn) {
      const message = `the establishments of ${who} serve nobody: each of its certificates has its own`
      this.#find('warning', { code: 'establishments-unused', place, message })
    }
  }

  collision({ code, what, place, first }: Collision): void {
    const related = [{ place: first, message: 'first claimed here' }]
    this.#find('error', { code, place, message: `${what} is claimed twice`, related })
  }

  duplicateEstablishments(place: Place, establishments: readonly string[]): void {
    const shown = establishments.slice(0, 3).map((each) => `\`${each}\``)
    const more = establishments.length > 3 ? ` and ${establishments.length - 3} more` : ''
    const message = `listed more than once: establishment ${shown.join(', ')}${more}`
    this.#find('warning', { code: 'duplicate-establishment', place, message })
  }

  error(code: string, place: Place, message: string): void {
    this.#find('error', { code, place, message })
  }

  all(): { readonly errors: readonly Diagnostic[]; readonly warnings: readonly Diagnostic[] } {
    return { errors: this.#all('error'), warnings: this.#all('warning') }
  }

  #find(severity: Diagnostic['severity'], found: Omit<Diagnostic, 'severity'>): void {
    if (this.#kept[severity].length < mostKept) this.#kept[severity].push({ severity, ...found })
    else this.#left[severity] += 1
  }

  #all(severity: Diagnostic['severity']): readonly Diagnostic[] {
    const kept = this.#kept[severity]
    const last = kept.at(-1)
    if (last === undefined || this.#left[severity] === 0) return kept
    const message = `and ${this.#left[severity]} more ${severity}s in the whitelist`
    return [...kept, { severity, code: 'more', place: last.place, message }]
  }
}
