import type { Diagnostic } from '../core/diagnostic.js'
import { removedFrom } from '../core/whitelist-removal.js'
import type { ShrinkGuard } from '../config/gateway-config.js'
import type { EnvironmentPolicy, Policy } from './policy.js'

/** How much of a whitelist a new one drops. */
interface Shrinking {
  readonly what: 'partners' | 'establishments'
  /** What is dropped, as the message counts it. */
  readonly counted: string
  readonly dropped: number
  readonly before: number
  /** Fewer than that are never too many. */
  readonly atLeast: number
}

/**
 * Whether a new policy drops so much that somebody should say so: a list cut short, an empty folder, the
 * whitelist of another environment, another list of the same size.
 *
 * What is dropped counts, whatever comes in its place: partners by their ids; establishments that nobody lists
 * any more, and those that a partner that stays does not list any more, so that lists put beside the wrong
 * partners are seen too. The guard of the policy in force decides, so that one careless edit cannot take it away
 * together with the list.
 *
 * @returns one error for each list that shrinks too much, with the revision that confirms it
 */
export function judgeShrinking(next: Policy, current: Policy): readonly Diagnostic[] {
  const { guard } = current.config.reload
  if (guard.shrinkPercent >= 100) return []
  return [...current.environments.values()].flatMap((before) => {
    const after = next.environments.get(before.name)
    if (after === undefined) return []
    return shrinkings(before, after, guard).map((each) => diagnosticOf(each, after, next.revision))
  })
}

function shrinkings(
  { whitelist: before }: EnvironmentPolicy,
  { whitelist: after }: EnvironmentPolicy,
  guard: ShrinkGuard,
): readonly Shrinking[] {
  const removed = removedFrom(before, after)
  const { listings } = removed
  const ofPartners: Shrinking = {
    what: 'partners',
    counted: 'partners',
    dropped: removed.partners,
    before: before.partnerCount,
    atLeast: guard.shrinkPartners,
  }
  const ofEstablishments = (counted: string, dropped: number, of: number): Shrinking => {
    return { what: 'establishments', counted, dropped, before: of, atLeast: guard.shrinkEstablishments }
  }
  const judged = [ofPartners]
  // distinct ones are looked for only where so many can be gone
  if (listings.gone >= guard.shrinkEstablishments) {
    const distinct = ofEstablishments('establishments', removed.establishments(), before.establishmentCount)
    const perPartner = ofEstablishments(
      'establishments from partners that stay',
      listings.goneOfOthers,
      listings.before,
    )
    judged.push(isTooMuch(distinct, guard) ? distinct : perPartner)
  }
  return judged.filter((each) => isTooMuch(each, guard))
}

function isTooMuch({ dropped, before, atLeast }: Shrinking, { shrinkPercent }: ShrinkGuard): boolean {
  return dropped >= atLeast && dropped * 100 > before * shrinkPercent
}

function diagnosticOf(
  { what, counted, dropped, before }: Shrinking,
  { name, config }: EnvironmentPolicy,
  revision: string,
): Diagnostic {
  const percent = Math.round((dropped / before) * 100)
  const message = `the new whitelist of \`${name}\` drops ${dropped} of ${before} ${counted} (${percent} %); if that is meant: \`ror-gateway reload --confirm ${revision}\``
  return { severity: 'error', code: `shrink-${what}`, place: config.whitelist.place, message }
}
