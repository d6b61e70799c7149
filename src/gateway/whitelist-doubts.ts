import type { Api } from '../core/api.js'
import type { Diagnostic, Place } from '../core/diagnostic.js'
import { nameKey } from '../core/distinguished-name.js'
import type { PartnerDeclaration } from '../core/partner.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import { spelled } from './policy-diff.js'
import type { Usage } from './usage.js'

/** A whitelist and the APIs it grants. */
interface Listed {
  readonly name: string
  readonly apis: readonly Api[]
  readonly whitelist: OpenWhitelist
}

const day = 86_400_000
/** How long before the end of a partner's access it is spoken of. */
const warnDays = 60

/**
 * What a whitelist says that is no fault, and yet hardly meant: an API granted that asks for a name or a key
 * which no certificate of the partner has, an API with writes granted without an establishment, access
 * that is over or ends soon.
 *
 * @param now - epoch milliseconds
 */
export function whitelistDoubts({ name, apis, whitelist }: Listed, now: number): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  for (const partner of whitelist.partners()) {
    found.push(...grantDoubts(partner, { name, apis }), ...dateDoubts(partner, now))
  }
  return found
}

/** Entries that the audit trail knows nothing of, from its first line to its last. */
export function usageDoubts(
  { name, whitelist }: Pick<Listed, 'name' | 'whitelist'>,
  usage: Usage,
): readonly Diagnostic[] {
  const since = usage.first === undefined ? '' : ` since ${new Date(usage.first).toISOString().slice(0, 10)}`
  const found: Diagnostic[] = []
  for (const { id, place, certificates } of whitelist.partners()) {
    if (usage.ofPartner(name, id) === undefined) {
      found.push(warning('partner-unused', place, `partner \`${id}\` has not been seen${since}`))
      continue
    }
    for (const certificate of certificates) {
      const { subject, publicKey } = certificate
      const seen =
        publicKey !== undefined
          ? usage.ofKey(name, publicKey)
          : subject === undefined
            ? undefined
            : usage.ofSubject(name, nameKey(subject))
      if (seen !== undefined) continue
      const message = `the certificate \`${spelled(certificate)}\` of partner \`${id}\` has not been seen${since}`
      found.push(warning('certificate-unused', certificate.place, message))
    }
  }
  return found
}

function grantDoubts(
  { id, place, apis: granted, certificates, establishments }: PartnerDeclaration,
  { name, apis }: Pick<Listed, 'name' | 'apis'>,
): readonly Diagnostic[] {
  return apis.flatMap((api): Diagnostic[] => {
    if (!granted.includes(api.name)) return []
    const grant = `partner \`${id}\` is granted \`${api.name}\` of \`${name}\``
    if (api.match === 'subject' && certificates.every(({ subject }) => subject === undefined))
      return [
        warning(
          'grant-unusable',
          place,
          `${grant}, which asks for a subject, and none of its certificates has one`,
        ),
      ]
    if (api.match === 'public-key' && certificates.every(({ publicKey }) => publicKey === undefined))
      return [
        warning(
          'grant-unusable',
          place,
          `${grant}, which asks for a public key, and none of its certificates has one`,
        ),
      ]
    const own = certificates.some(
      (each) => each.establishments !== undefined && each.establishments.length > 0,
    )
    if (api.writes.length > 0 && establishments.length === 0 && !own)
      return [
        warning(
          'grant-without-establishment',
          place,
          `${grant}, whose writes need an establishment, and has none`,
        ),
      ]
    return []
  })
}

function dateDoubts({ id, place, validUntil }: PartnerDeclaration, now: number): readonly Diagnostic[] {
  if (validUntil === undefined) return []
  const end = new Date(validUntil).toISOString()
  if (now >= validUntil)
    return [warning('partner-ended', place, `the access of partner \`${id}\` ended at ${end}`)]
  const days = Math.floor((validUntil - now) / day)
  if (days >= warnDays) return []
  return [warning('partner-ending', place, `the access of partner \`${id}\` ends in ${days} days, at ${end}`)]
}

function warning(code: string, place: Place, message: string): Diagnostic {
  return { severity: 'warning', code, place, message }
}
