import { z } from 'zod'
import type { PlacedPath } from './gateway-config.js'
import type { Reading } from './reading.js'
import { flagKey, key, path, whole, wholeKey } from './schema-parts.js'

const sizes = { min: 65_536, max: 1_099_511_627_776 }

/** The audit trail in gateway.yaml. */
export const auditSchema = z.strictObject({
  file: key('File of the journal; standard output where absent.', path).optional(),
  onFailure: key(
    '`refuse`: while the journal cannot be written no write is taken (503), and reads go on; `continue`: go on, and count the loss.',
    z.enum(['refuse', 'continue']).default('refuse'),
  ),
  format: key(
    'Names of the fields: those of this program, or those of the Elastic Common Schema.',
    z.enum(['native', 'ecs']).default('native'),
  ),
  sealKey: key(
    'Ed25519 private key (PEM) that signs the journal; made at the start where it is missing. Absent: no seals.',
    path,
  ).optional(),
  sealMinutes: wholeKey('Time between two seals while something is written, in minutes.', {
    min: 1,
    max: 10_080,
    default: 60,
  }),
  rotate: key(
    'When the gateway sets the file aside by itself.',
    z
      .strictObject({
        maxBytes: key('Size from which the file is set aside, in bytes.', whole(sizes), {
          type: 'integer',
          minimum: sizes.min,
          maximum: sizes.max,
        }).optional(),
        daily: flagKey('Whether each day (UTC) has a file of its own.', true),
      })
      .prefault({}),
  ),
  keepDays: wholeKey('Days after which files that the gateway set aside are removed; 0: never.', {
    min: 0,
    max: 36_500,
    default: 365,
  }),
})

/** How the audit trail is kept. */
export interface AuditConfig {
  /** Undefined: standard output. */
  readonly file: PlacedPath | undefined
  readonly onFailure: 'refuse' | 'continue'
  readonly format: 'native' | 'ecs'
  /** Undefined: no seals. */
  readonly sealKey: PlacedPath | undefined
  readonly sealMinutes: number
  readonly rotate: { readonly maxBytes: number | undefined; readonly daily: boolean }
  /** 0: for ever. */
  readonly keepDays: number
}

/** With its paths made absolute. */
export function readAudit(raw: z.output<typeof auditSchema>, reading: Reading): AuditConfig {
  const placed = (name: 'file' | 'sealKey'): PlacedPath | undefined => {
    const written = raw[name]
    return written === undefined ? undefined : reading.placedPath(['audit', name], written)
  }
  const { daily, maxBytes } = raw.rotate
  return { ...raw, file: placed('file'), sealKey: placed('sealKey'), rotate: { daily, maxBytes } }
}
