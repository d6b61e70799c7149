import type { Diagnostic } from '../core/diagnostic.js'
import type { ShrinkGuard } from '../config/gateway-config.js'
import type { EnvironmentPolicy, Policy } from './policy.js'

/** How much of a whitelist a new one drops. */
interface Shrinking {
  readonly what: 'partners' | 'establishments'
  readonly dropped: number
  readonly before: number
  /** Fewer than that are never too many. */
  readonly atLeast: number
}

/**
 * Whether a new policy drops so much that somebody should say so: a list cut short, an empty folder, the
 * whitelist of another environment.
 *
 * The guard of the policy in force decides, so that one careless edit cannot take it away together with
 * the list. Partners are counted by their ids; establishments by how many distinct ones are listed.
 *
 * @returns one error for each list that shrinks too much, with the revision that confirms it
 */
export function judgeShrinking(next: Policy, current: Policy): readonly Diagnostic[] {
  const { guard } = current.config.reload
  return [...current.environments.values()].flatMap((before) => {
    const after = next.environments.get(before.name)
    if (after === undefined) return []
    return shrinkings(before, after, guard)
      .filter((each) => isTooMuch(each, guard))
      .map((each) => diagnosticOf(each, after, next.revision))
  })
}

function shrinkings(
  before: EnvironmentPolicy,
  after: EnvironmentPolicy,
  { shrinkPartners, shrinkEstablishments }: ShrinkGuard,
): readonly Shrinking[] {
  let gone = 0
  for (const id of before.whitelist.partnerIds()) if (!after.whitelist.hasPartner(id)) gone += 1
  const establishments = before.whitelist.establishmentCount
  return [
    { what: 'partners', dropped: gone, before: before.whitelist.partnerCount, atLeast: shrinkPartners },
    {
      what: 'establishments',
      dropped: establishments - after.whitelist.establishmentCount,
      before: establishments,
      atLeast: shrinkEstablishments,
    },
  ]
}

function isTooMuch({ dropped, before, atLeast }: Shrinking, { shrinkPercent }: ShrinkGuard): boolean {
  return dropped >= atLeast && dropped * 100 > before * shrinkPercent
}

function diagnosticOf(
  { what, dropped, before }: Shrinking,
  { name, config }: EnvironmentPolicy,
  revision: string,
): Diagnostic {
  const percent = Math.round((dropped / before) * 100)
  const message = `the new whitelist of \`${name}\` drops ${dropped} of ${before} ${what} (${percent} %); if that is meant: \`ror-gateway reload --confirm ${revision}\``
  return { severity: 'error', code: `shrink-${what}`, place: config.whitelist.place, message }
}
