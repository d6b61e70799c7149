import { z } from 'zod'
import type { PartnerLimits } from '../core/partner-limits.js'
import { key, reading, whole, type WholeRange } from './schema-parts.js'

const mostPerSecond = 100_000
const expectedRate = `expected a number above 0 and up to ${mostPerSecond}, such as \`20\` or \`0.5\``
const rate = reading((written) => {
  const value = /^(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,3})?$/.test(written) ? Number(written) : 0
  if (value > 0 && value <= mostPerSecond) return { ok: true, value }
  return { ok: false, problem: { message: expectedRate } }
})

/** What one partner may take. Every key is optional: what is absent is not limited. */
export const partnerLimitsSchema = z
  .strictObject({
    requestsPerSecond: key('Requests a second in the long run; the others get 429.', rate, {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: mostPerSecond,
    }).optional(),
    burst: bound('Requests at once, beside `requestsPerSecond`; that number rounded up where absent.', {
      min: 1,
      max: 1_000_000,
    }),
    concurrent: bound('Requests under way at one time; the others get 429.', { min: 1, max: 100_000 }),
    bodyBytes: bound('Largest body of a request, in bytes; larger ones get 413.', { min: 1, max: 2 ** 30 }),
  })
  .superRefine(({ requestsPerSecond, burst }, context) => {
    if (burst === undefined || requestsPerSecond !== undefined) return
    context.addIssue({ code: 'custom', path: ['burst'], message: 'stands beside `requestsPerSecond` only' })
  })

/** The limits as the gateway counts. */
export function readPartnerLimits(raw: z.output<typeof partnerLimitsSchema>): PartnerLimits {
  const { requestsPerSecond: perSecond, burst, concurrent, bodyBytes } = raw
  return {
    ...(perSecond !== undefined && { rate: { perSecond, burst: burst ?? Math.ceil(perSecond) } }),
    ...(concurrent !== undefined && { concurrent }),
    ...(bodyBytes !== undefined && { bodyBytes }),
  }
}

function bound(about: string, range: WholeRange) {
  const { min, max } = range
  return key(about, whole(range), { type: 'integer', minimum: min, maximum: max }).optional()
}
