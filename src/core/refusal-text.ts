import type { Denial } from './decision.js'

/**
 * Code system of our reasons, in every language we refuse in: a URI of this gateway's own.
 *
 * An identifier, not an address: it is published by nobody else and nothing needs to stand there.
 */
export const reasonSystem = 'https://interop.esante.gouv.fr/ror-gateway/reason'

const longest = 400

/**
 * A text that came from outside, fit to stand in an answer in any format.
 *
 * What no format carries, or what changes how the rest is read (control characters, lone
 * surrogates, noncharacters, marks of direction), becomes U+FFFD; past 400 characters it is cut.
 */
export function legible(text: string): string {
  return carried(text.length > longest ? `${text.slice(0, longest)}…` : text)
}

function carried(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
}

/** What the client itself sent, as pairs fit to stand in an answer. */
export function sentOf(denial: Denial): readonly (readonly [name: string, value: string])[] {
  return Object.entries(denial.sent ?? {}).map(([name, value]) => [legible(name), legible(value)])
}

// of what was sent: names, bounds and places, none of which holds a value of the query, a field or the body
const auditable: ReadonlySet<string> = new Set([
  'at',
  'contentEncoding',
  'contentType',
  'header',
  'host',
  'limit',
  'maxBytes',
  'problem',
  'validFrom',
  'validUntil',
])

/** Where a denial has no detail of its own: what of the answer may stand in the audit trail. */
export function auditDetailOf(denial: Denial | undefined): string | undefined {
  if (denial?.sent === undefined) return undefined
  const told = sentOf(denial).filter(([name]) => auditable.has(name))
  return told.length === 0 ? undefined : told.map(([name, value]) => `${name}: ${value}`).join(', ')
}

/**
 * A text as XML character data or as a quoted attribute value, in its whole length: what came from outside is
 * made `legible` before it is put together.
 *
 * @see XML 1.0 section 2.4
 */
export function escapeXml(text: string): string {
  return carried(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
}
