import { permitWrite, type Admission } from '../core/admission.js'
import type { WriteRule } from '../core/api.js'
import { deny, type Denial, type EstablishmentWritten } from '../core/decision.js'
import { Failure } from '../core/failure.js'
import { establishmentInQuery } from '../core/query-establishment.js'
import type { Result } from '../core/result.js'
import { fhirFormatOf, judgeContentEncoding } from '../fhir/media-type.js'
import { establishmentsInBody, judgePatchBody } from '../fhir/written.js'
import { readBody } from '../http/body.js'
import { hasBody } from './answer.js'
import type { Arrival } from './arrival.js'
import { forwardAdmitted } from './forward.js'
import type { Exchange } from './request.js'

interface DescribedWrite {
  readonly admission: Admission
  readonly rule: WriteRule
}

/**
 * A write that a rule describes: every establishment it names is judged, then its body, then it goes.
 *
 * What the query names is judged before a byte of the body is kept; a body that is judged is held
 * whole, and the bytes that were judged are the bytes sent.
 */
export async function judgeAndForwardWrite(
  exchange: Exchange,
  arrival: Arrival,
  { admission, rule }: DescribedWrite,
): Promise<Denial | undefined> {
  const { gateway, request } = exchange
  if (!gateway.mayWrite())
    throw new Failure('overloaded', 'the audit trail cannot be written, so nothing else is')
  const source = rule.establishment
  if (source.from === 'reference') {
    const detail = 'this version resolves no references through the upstream'
    return permit(exchange, arrival, {
      admission,
      found: { ok: false, problem: deny('establishment-unresolvable', { detail }) },
    })
  }
  if (source.from === 'query') {
    const one = establishmentInQuery(arrival.target.query, rule, source)
    const refused = permit(exchange, arrival, {
      admission,
      found: one.ok ? { ok: true, value: [one.value] } : one,
    })
    if (refused !== undefined) return refused
  }

  const mediaType = judgeMediaType(exchange, rule)
  if (mediaType !== undefined) return mediaType
  const { limits } = arrival.config
  const body = await readBody(exchange, {
    maxBytes: rule.maxBodyBytes,
    timeoutMs: limits.requestTimeoutMs,
    account: gateway.bodyAccount,
  })
  if ('effect' in body) return body
  const contentType = request.headers['content-type']
  if (source.from === 'body') {
    const found = establishmentsInBody({ body, contentType, source, rule })
    const refused = permit(exchange, arrival, { admission, found })
    if (refused !== undefined) return refused
  } else if (rule.patch !== undefined) {
    const denial = judgePatchBody(body, contentType, rule.patch)
    if (denial !== undefined) return denial
  }
  await forwardAdmitted(exchange, arrival, { admission, body })
  return undefined
}

// before reading: a body that cannot be judged is not kept either
function judgeMediaType({ request }: Exchange, rule: WriteRule): Denial | undefined {
  if (rule.establishment.from === 'query' && rule.patch === undefined) return undefined
  if (!hasBody(request)) return deny('body-unreadable', { sent: { problem: 'this write needs a body' } })
  const encoding = judgeContentEncoding(request.headers['content-encoding'])
  if (encoding !== undefined) return encoding
  const format = fhirFormatOf(request.headers['content-type'])
  return format.ok ? undefined : format.problem
}

function permit(
  { event }: Exchange,
  { environment }: Arrival,
  { admission, found }: { admission: Admission; found: Result<readonly EstablishmentWritten[], Denial> },
): Denial | undefined {
  if (found.ok) event.establishments = found.value
  const written = found.ok ? found.value : found.problem
  const permission = event.decided(permitWrite(environment.whitelist, admission.entry, written))
  return permission.effect === 'deny' ? permission : undefined
}
