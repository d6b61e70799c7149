import type { PartnerStatus } from '../admin/status.js'
import type { RequestEvent } from './request-event.js'

interface Seen {
  mode: PartnerStatus['mode']
  lastSeen: number
  notAfter: number
}

const day = 86_400_000
const mostPartners = 10_000

/** Which partners came since the start, when last, and until when their certificate is valid. */
export class SeenPartners {
  private readonly environments = new Map<string, Map<string, Seen>>()
  private count = 0

  /** Notes the partner of a request. Beyond 10,000 no new one is noted. */
  note(event: RequestEvent, now: number): void {
    const { entry, certificate, environment } = event
    if (entry === undefined || certificate === undefined) return
    let seen = this.environments.get(environment)
    if (seen === undefined) {
      seen = new Map()
      this.environments.set(environment, seen)
    }
    const { id, mode } = entry.partner
    const known = seen.get(id)
    if (known !== undefined) {
      known.mode = mode
      known.lastSeen = now
      known.notAfter = certificate.notAfter
    } else if (this.count < mostPartners) {
      this.count += 1
      seen.set(id, { mode, lastSeen: now, notAfter: certificate.notAfter })
    }
  }

  /** Those of an environment, the certificate that ends first before the others. */
  of(environment: string, now: number): readonly PartnerStatus[] {
    return [...(this.environments.get(environment) ?? [])]
      .sort(([, one], [, other]) => one.notAfter - other.notAfter)
      .map(([id, { mode, lastSeen, notAfter }]) => ({
        id,
        mode,
        lastSeen: new Date(lastSeen).toISOString(),
        notAfter: new Date(notAfter).toISOString(),
        daysLeft: Math.floor((notAfter - now) / day),
      }))
  }
}
