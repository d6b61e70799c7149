import type { Diagnostic, Place } from '../core/diagnostic.js'
import { formatName } from '../core/name-text.js'
import type { EnvironmentConfig } from '../config/gateway-config.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { readCertificates } from '../x509/material.js'
import type { NamedCertificate } from './load-whitelist.js'
import type { ListedCrl, ServerMaterial, UpstreamCertificate } from './policy.js'

/** What of an environment ends some day. */
interface Perishable {
  readonly config: EnvironmentConfig
  readonly server: ServerMaterial
  readonly authorities: readonly Certificate[]
  readonly crls: readonly ListedCrl[]
  readonly upstreamCertificates: readonly UpstreamCertificate[]
}

const hour = 3_600_000
const day = 24 * hour
/** How long before its end a certificate is spoken of. */
const warnDays = 60

/**
 * What ends soon or has ended, and the CRLs that are missing: true at this moment, and no fault of the
 * configuration, so that `serve` starts with them.
 *
 * @param now - epoch milliseconds
 */
export function expiryFindings(environments: Iterable<Perishable>, now: number): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  for (const environment of environments) {
    found.push(
      ...crlFindings(environment, now),
      ...missingCrls(environment),
      ...certificateFindings(environment, now),
      ...upstreamFindings(environment, now),
    )
  }
  return found
}

/** Certificate files named by whitelist entries that end soon or have ended. @param now - epoch milliseconds */
export function namedFindings(named: readonly NamedCertificate[], now: number): readonly Diagnostic[] {
  return named.flatMap(({ partner, file, place, notAfter }) =>
    ending(`the certificate \`${file}\` of partner \`${partner}\``, { place, notAfter, now }),
  )
}

/**
 * Certificate files named by whitelist entries whose issuer is no authority of their environment: a TEST
 * certificate on the PROD list will never enter. Told by the issuer's name alone.
 */
export function strayFindings(
  named: readonly NamedCertificate[],
  environments: readonly Pick<Perishable, 'config' | 'authorities'>[],
): readonly Diagnostic[] {
  const authorities = new Map(
    environments.map(({ config, authorities: all }) => [
      config.name,
      new Set(all.map(({ subjectKey }) => subjectKey)),
    ]),
  )
  return named.flatMap(({ environment, issuer, issuerKey, partner, file, place }): Diagnostic[] => {
    const own = authorities.get(environment)
    if (own === undefined || own.size === 0 || own.has(issuerKey)) return []
    const elsewhere = [...authorities].find(([, names]) => names.has(issuerKey))?.[0]
    const where =
      elsewhere === undefined
        ? `no authority of \`${environment}\` is its issuer \`${formatName(issuer)}\``
        : `it belongs to the environment \`${elsewhere}\`, not to \`${environment}\``
    const message = `the certificate \`${file}\` of partner \`${partner}\` opens nothing here: ${where}`
    return [warning('certificate-elsewhere', place, message)]
  })
}

function crlFindings({ config, crls }: Perishable, now: number): readonly Diagnostic[] {
  const { crlPolicy, crlWarnHours } = config.tls
  if (crlPolicy === 'off') return []
  return crls.flatMap(({ issuer, nextUpdate, place }): Diagnostic[] => {
    const name = `the CRL of \`${commonNameOf(issuer)}\``
    const end = new Date(nextUpdate).toISOString()
    if (nextUpdate <= now) {
      const effect = crlPolicy === 'require' ? 'its clients are refused (503)' : 'it is passed over'
      return [warning('crl-stale', place, `${name} was good until ${end}: ${effect}`)]
    }
    if (nextUpdate - now > crlWarnHours * hour) return []
    const hours = Math.floor((nextUpdate - now) / hour)
    return [warning('crl-ending', place, `${name} ends in ${hours} hours, at ${end}`)]
  })
}

function missingCrls({ config, authorities, crls }: Perishable): readonly Diagnostic[] {
  const { crlPolicy, clientCa } = config.tls
  const [place] = clientCa.map((path) => path.place)
  if (crlPolicy === 'off' || place === undefined) return []
  return authorities.flatMap((authority): Diagnostic[] => {
    if (crls.some(({ issuerSpkiSha256 }) => issuerSpkiSha256 === authority.spkiSha256)) return []
    // an authority above others issues no clients, as a rule
    const isAbove = authorities.some(
      (other) => other !== authority && other.issuerKey === authority.subjectKey,
    )
    const effect =
      crlPolicy === 'require' && !isAbove ? 'its clients are refused (503)' : 'what it revoked is not known'
    const name = commonNameOf(authority.subject)
    return [warning('crl-absent', place, `there is no CRL of the authority \`${name}\`: ${effect}`)]
  })
}

function certificateFindings(
  { config, server, authorities }: Perishable,
  now: number,
): readonly Diagnostic[] {
  const { tls } = config
  const [place = tls.certificate.place] = tls.clientCa.map((path) => path.place)
  const own = [tls, ...tls.certificates].flatMap(({ certificate: path }, index) => {
    const pem = server.certificates[index]?.certificate
    const read = pem === undefined ? undefined : readCertificates(Buffer.from(pem))
    const [leaf] = read?.ok === true ? read.value : []
    if (leaf === undefined) return []
    const what = `the server certificate \`${path.path}\``
    return ending(what, { place: path.place, notAfter: leaf.notAfter, now })
  })
  const trusted = authorities.flatMap(({ subject, notAfter }) =>
    ending(`the authority \`${commonNameOf(subject)}\``, { place, notAfter, now }),
  )
  return [...own, ...trusted]
}

/** One finding a certificate, however many APIs name its file. */
function upstreamFindings({ config, upstreamCertificates }: Perishable, now: number): readonly Diagnostic[] {
  const found = new Map<string, { readonly first: UpstreamCertificate; readonly apis: string[] }>()
  for (const certificate of upstreamCertificates) {
    const { kind, file, subject, notAfter, api } = certificate
    const key = JSON.stringify([kind, file, subject, notAfter])
    const known = found.get(key)
    if (known === undefined) found.set(key, { first: certificate, apis: [api] })
    else known.apis.push(api)
  }
  return [...found.values()].flatMap(({ first: { kind, file, subject, place, notAfter }, apis }) => {
    const of = `${apis.map((api) => `\`${api}\``).join(', ')} of \`${config.name}\``
    const what =
      kind === 'shown'
        ? `the certificate \`${file}\` shown to the upstream of ${of}`
        : `the authority \`${subject}\` that the upstream of ${of} is verified by`
    return ending(what, { place, notAfter, now })
  })
}

function ending(
  what: string,
  { place, notAfter, now }: { readonly place: Place; readonly notAfter: number; readonly now: number },
): readonly Diagnostic[] {
  const end = new Date(notAfter).toISOString()
  if (now > notAfter) return [warning('certificate-ended', place, `${what} was valid until ${end}`)]
  const days = Math.floor((notAfter - now) / day)
  if (days >= warnDays) return []
  return [warning('certificate-ending', place, `${what} ends in ${days} days, at ${end}`)]
}

function warning(code: string, place: Place, message: string): Diagnostic {
  return { severity: 'warning', code, place, message }
}
