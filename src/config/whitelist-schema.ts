import { z } from 'zod'
import { toIdNatStruct } from '../core/establishment.js'
import { parseName } from '../core/name-text.js'
import type { Result } from '../core/result.js'
import { parseSpkiSha256, type SpkiSha256 } from '../core/spki.js'
import { parseValidity } from './paris-day.js'
import { partnerLimitsSchema } from './partner-limits-schema.js'
import { key, path, reading, someOf, text } from './schema-parts.js'

const keyFile = /\.(?:pem|cer|crt|der|p7b|p7c|pub)$/i

/** A public key as written: its pin, or the path of a file that holds it. */
export type WrittenPublicKey = SpkiSha256 | { readonly path: string }

function parsePublicKey(written: string): Result<WrittenPublicKey, { readonly message: string }> {
  const pin = parseSpkiSha256(written)
  if (pin !== undefined) return { ok: true, value: pin }
  if (keyFile.test(written) && !written.includes('\n')) return { ok: true, value: { path: written } }
  const message =
    'expected `sha256:` and the base64 (44 characters) or hex (64) SHA-256 of the public key (SPKI), or a path to a .pem, .cer, .crt, .der, .p7b, .p7c or .pub file'
  return { ok: false, problem: { message } }
}

const numbers = z.array(reading(toIdNatStruct))
// editors read an unquoted number as one; here every scalar is text
const numbersShape = {
  type: 'array',
  items: { type: ['string', 'integer'] },
}
const rorField = z
  .string()
  .regex(/^Ror-[A-Za-z0-9-]{1,64}$/i, 'expected a field whose name begins with `Ror-`')
const fieldValue = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'expected a value of printable ASCII')

const certificate = z
  .strictObject({
    subject: key(
      'Subject of the certificate, in any usual spelling: `CN=…,OU=…,C=FR`, `C = FR, …, CN = …`, `/C=FR/…/CN=…`.',
      reading(parseName),
    ).optional(),
    publicKey: key(
      '`sha256:` and the base64 or hex SHA-256 of the public key (SPKI), or a path to a .pem, .cer, .crt, .der, .p7b, .p7c or .pub file.',
      reading(parsePublicKey),
    ).optional(),
    establishments: key(
      'FINESS or IdNatStruct numbers of this certificate alone, in place of those of the partner.',
      numbers,
      numbersShape,
    ).optional(),
    validUntil: key(
      'Last day this certificate is listed, still valid (Europe/Paris), or an instant with its zone; for the old one beside the new one of a renewal.',
      reading((date) => parseValidity(date, 'until')),
    ).optional(),
  })
  .superRefine(({ subject, publicKey }, context) => {
    if (subject !== undefined || publicKey !== undefined) return
    const message = 'expected `subject`, `publicKey` or both, found neither: the entry can match nothing'
    context.addIssue({ code: 'custom', message })
  })

/** What the id of a partner is made of: it is the name of a file, too. */
export const partnerId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The shape of one partner of a whitelist; what its texts mean is read by `partner-draft`. */
export const partnerSchema = z.strictObject({
  id: key(
    'Short name, unique in the environment: letters, digits, `.`, `_` and `-`.',
    z.string().regex(partnerId, 'expected a short name of letters, digits, `.`, `_` and `-`'),
  ),
  name: key('Name for people; the id where absent.', text).optional(),
  solution: key(
    'What the partner connects with; a label that grants nothing.',
    z.enum(['regional-eai', 'saas', 'proprietary', 'consumer']).default('consumer'),
  ),
  certificates: key('The certificates the partner is known by.', someOf(certificate)),
  apis: key('Names of the APIs of the environment that are granted.', someOf(text)),
  establishments: key(
    'FINESS (`350054680`) or IdNatStruct (`1350054680`) numbers that may be written.',
    numbers.default([]),
    { ...numbersShape, default: [] },
  ),
  establishmentsFile: key('A list file of further numbers: CSV, or one a line.', path).optional(),
  validFrom: key(
    'First day (Europe/Paris), or an instant with its zone.',
    reading((date) => parseValidity(date, 'from')),
  ).optional(),
  validUntil: key(
    'Last day, still valid (Europe/Paris), or an instant with its zone.',
    reading((date) => parseValidity(date, 'until')),
  ).optional(),
  rorHeaders: key(
    'Values pinned for `Ror-*` fields: another value sent is refused.',
    z.record(rorField, fieldValue).default({}),
    {
      type: 'object',
      propertyNames: { pattern: '^[Rr][Oo][Rr]-[A-Za-z0-9-]+$' },
      additionalProperties: { type: ['string', 'integer'] },
      default: {},
    },
  ),
  rorHeadersMode: key(
    '`pin`: the values of `rorHeaders` may be sent, or left out; `inject`: the gateway itself sends them to `fhir` APIs, other values are refused just so.',
    z.enum(['pin', 'inject']).default('pin'),
  ),
  clientId: key(
    'The one OAuth2 client (`client_id`) that may ask for a token with these certificates; any where absent.',
    fieldValue.max(255, 'expected at most 255 characters'),
  ).optional(),
  limits: key(
    'What this partner may take; a key that is absent is that of `partnerLimits` of the environment.',
    partnerLimitsSchema,
  ).optional(),
  mode: key(
    '`enforce`, or `report-only`: judge, count and log, but let pass what the own entry forbids.',
    z.enum(['enforce', 'report-only']).default('enforce'),
  ),
})

/** A whitelist file with its partners unread. */
export const whitelistFrame = z.strictObject({ partners: someOf(z.unknown()) })

/** The shape of a whitelist file. */
export const whitelistSchema = z.strictObject({
  partners: key('The partners of this file.', someOf(partnerSchema)),
})

export type RawPartner = z.output<typeof partnerSchema>
