import type { Place } from '../core/diagnostic.js'
import type { CertificateIdentity, PartnerDeclaration } from '../core/partner.js'
import type { SpkiSha256 } from '../core/spki.js'
import type { PlacedPath } from './gateway-config.js'
import { readPartnerLimits } from './partner-limits-schema.js'
import { resolvePath } from './paths.js'
import type { Reading } from './reading.js'
import type { RawPartner } from './whitelist-schema.js'
import type { TreePath } from './yaml-source.js'

/** A file that holds the key of a certificate, and where it was named. */
interface PublicKeyFile {
  readonly file: string
  readonly place: Place
}

/** A certificate of a partner, its key file not read yet. */
interface CertificateDraft extends Omit<CertificateIdentity, 'publicKey'> {
  readonly publicKey: SpkiSha256 | PublicKeyFile | undefined
}

/** A partner as a whitelist file declares it, its key files and list file not read yet. */
export interface PartnerDraft extends Omit<PartnerDeclaration, 'certificates'> {
  readonly certificates: readonly CertificateDraft[]
  readonly establishmentsFile: PlacedPath | undefined
}

/** A partner of the right shape as values; undefined where something in it is wrong, which is told. */
export function readPartner(raw: RawPartner, at: TreePath, reading: Reading): PartnerDraft | undefined {
  const before = reading.diagnostics.length
  const certificates = raw.certificates.map((certificate, index) =>
    readCertificate(certificate, [...at, 'certificates', index], reading),
  )
  const draft: PartnerDraft = {
    id: raw.id,
    name: raw.name ?? raw.id,
    solution: raw.solution,
    apis: readApis(raw.apis, [...at, 'apis'], reading),
    validFrom: raw.validFrom,
    validUntil: raw.validUntil,
    rorHeaders: readRorHeaders(raw.rorHeaders, [...at, 'rorHeaders'], reading),
    ...(raw.rorHeadersMode === 'inject' && { rorHeadersMode: 'inject' }),
    ...(raw.clientId !== undefined && { clientId: raw.clientId }),
    ...(raw.limits !== undefined && { limits: readPartnerLimits(raw.limits) }),
    mode: raw.mode,
    certificates,
    establishments: raw.establishments,
    establishmentsFile:
      raw.establishmentsFile === undefined
        ? undefined
        : reading.placedPath([...at, 'establishmentsFile'], raw.establishmentsFile),
    place: reading.tree.placeOf(at),
  }
  const { validFrom, validUntil } = draft
  if (validFrom !== undefined && validUntil !== undefined && validUntil <= validFrom) {
    const message = 'the validity ends before it begins; the entry can match nothing'
    reading.refusePair(
      [...at, 'validUntil'],
      { code: 'validity-empty', message },
      reading.tree.placeOf([...at, 'validFrom']),
    )
  }
  if (draft.rorHeadersMode === 'inject' && Object.keys(draft.rorHeaders).length === 0) {
    reading.refuse([...at, 'rorHeadersMode'], 'nothing-to-inject', '`inject` needs values in `rorHeaders`')
  }
  return reading.diagnostics.length === before ? draft : undefined
}

function readCertificate(
  raw: RawPartner['certificates'][number],
  at: TreePath,
  reading: Reading,
): CertificateDraft {
  const { subject, publicKey, establishments, validUntil } = raw
  const rest = { ...(validUntil !== undefined && { validUntil }), place: reading.tree.placeOf(at) }
  if (typeof publicKey !== 'object') return { subject, publicKey, establishments, ...rest }
  const file = resolvePath(reading.tree.file, publicKey.path)
  const named = { file, place: reading.tree.placeOf([...at, 'publicKey']) }
  return { subject, publicKey: named, establishments, ...rest }
}

function readApis(apis: readonly string[], at: TreePath, reading: Reading): readonly string[] {
  for (const [index, api] of apis.entries()) {
    const first = apis.indexOf(api)
    if (first === index) continue
    const message = `\`${api}\` is granted twice`
    reading.refusePair(
      [...at, index],
      { code: 'duplicate-grant', message },
      reading.tree.placeOf([...at, first]),
    )
  }
  return apis
}

function readRorHeaders(
  pinned: Readonly<Record<string, string>>,
  at: TreePath,
  reading: Reading,
): Readonly<Record<string, string>> {
  const lower: Record<string, string> = {}
  for (const [name, value] of Object.entries(pinned)) {
    const known = name.toLowerCase()
    if (Object.hasOwn(lower, known)) {
      const place = reading.tree.placeOfKey([...at, name])
      const message = `\`${name}\` is pinned twice; names of fields have no case`
      reading.diagnostics.push({ severity: 'error', code: 'duplicate-ror-header', place, message })
    }
    lower[known] = value
  }
  return lower
}
