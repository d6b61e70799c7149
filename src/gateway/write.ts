import { permitWrite, type Admission } from '../core/admission.js'
import type { WriteRule } from '../core/api.js'
import { deny, nothingNamed, type Denial, type IdWritten, type Named } from '../core/decision.js'
import { Failure } from '../core/failure.js'
import { namedInTarget } from '../core/named-in-target.js'
import type { Result } from '../core/result.js'
import { hostName } from '../core/route.js'
import { judgeWriteFields } from '../core/write-fields.js'
import { bodySourceOf, readsBody } from '../core/write-rule.js'
import type { FhirBody } from '../fhir/body.js'
import { namedInWrites, writesOfBundle } from '../fhir/bundle-write.js'
import { fhirFormatOf, judgeContentEncoding } from '../fhir/media-type.js'
import { judgePatchBody, namedInBody } from '../fhir/written.js'
import { readBody } from '../http/body.js'
import { hasBody } from './answer.js'
import type { Arrival } from './arrival.js'
import { forwardAdmitted } from './forward.js'
import type { Exchange } from './request.js'
import { resolveIds } from './resolution.js'

interface DescribedWrite {
  readonly admission: Admission
  readonly rule: WriteRule
}

/**
 * A write that a rule describes: every establishment it names is judged, then its body, then it goes.
 *
 * What the target names is judged before a byte of the body is kept; a body that is judged is held
 * whole, and the bytes that were judged are the bytes sent. Ids are looked up last, as near to the
 * write as may be.
 */
export async function judgeAndForwardWrite(
  exchange: Exchange,
  arrival: Arrival,
  { admission, rule }: DescribedWrite,
): Promise<Denial | undefined> {
  const { gateway, request } = exchange
  if (!gateway.mayWrite())
    throw new Failure('overloaded', 'the audit trail cannot be written, so nothing else is')
  // admitted, but for no establishment yet
  exchange.event.undecided()
  const judgement = new WriteJudgement(exchange, arrival, admission)
  const selecting = judgeWriteFields(Object.keys(request.headers), rule)
  const named = selecting === undefined ? namedInTarget(arrival.target, rule) : no(selecting)
  const early = judgement.take(named) ?? judgeMediaType(exchange, rule)
  if (early !== undefined) return early

  const body = await readBody(exchange, {
    maxBytes: rule.maxBodyBytes,
    timeoutMs: arrival.config.limits.bodyTimeoutMs,
    account: gateway.bodyAccount,
  })
  if ('effect' in body) return body
  const judged = { body, contentType: request.headers['content-type'] }
  const denial =
    judgeBody(judged, { judgement, rule, named: named.ok ? named.value : nothingNamed }) ??
    (await judgement.lookUp()) ??
    judgement.conclude()
  if (denial !== undefined) return denial
  try {
    await forwardAdmitted(exchange, arrival, { admission, body: hasBody(request) ? body : 'none' })
  } finally {
    // a guarded patch cannot change whose a resource is; anything else may
    if (rule.patch?.except === undefined) gateway.lookups.moved(arrival.environment.name)
  }
  return undefined
}

/** What one write has been found to name so far, and whether all of it is permitted. */
class WriteJudgement {
  readonly exchange: Exchange
  readonly arrival: Arrival
  readonly admission: Admission
  readonly #ids: IdWritten[] = []
  #isSettled = false

  constructor(exchange: Exchange, arrival: Arrival, admission: Admission) {
    this.exchange = exchange
    this.arrival = arrival
    this.admission = admission
  }

  /** Judges what was found; ids are kept until they are looked up. */
  take(found: Result<Named, Denial>): Denial | undefined {
    if (!found.ok) return this.#permit(found.problem)
    this.#ids.push(...found.value.ids)
    return found.value.establishments.length === 0 ? undefined : this.#permit(found.value.establishments)
  }

  /** @throws Failure where the upstream does not answer as it should */
  async lookUp(): Promise<Denial | undefined> {
    if (this.#ids.length === 0) return undefined
    const { gateway, event } = this.exchange
    const { environment } = this.arrival
    const { api } = this.admission
    event.undecided()
    try {
      const lookup = gateway.lookups.open({ environment, api, requestId: event.requestId })
      const resolved = await resolveIds(this.#ids, lookup)
      return this.#permit(resolved.ok ? resolved.value : resolved.problem)
    } catch (error) {
      gateway.log.warn('a lookup failed, so the write was not judged', {
        requestId: event.requestId,
        environment: environment.name,
        api: api.name,
        error,
      })
      throw error
    }
  }

  /** A write that names nothing at all is refused. */
  conclude(): Denial | undefined {
    return this.#isSettled ? undefined : this.#permit([])
  }

  #permit(written: Parameters<typeof permitWrite>[2]): Denial | undefined {
    const { event } = this.exchange
    this.#isSettled = true
    if (!('effect' in written)) event.establishments = [...event.establishments, ...written]
    const permission = event.decided(
      permitWrite(this.arrival.environment.whitelist, this.admission.entry, written),
    )
    return permission.effect === 'deny' ? permission : undefined
  }
}

// before reading: a body that cannot be judged is not kept either
function judgeMediaType({ request }: Exchange, rule: WriteRule): Denial | undefined {
  if (!readsBody(rule)) return undefined
  if (!hasBody(request)) return deny('body-unreadable', { sent: { problem: 'this write needs a body' } })
  const encoding = judgeContentEncoding(request.headers['content-encoding'])
  if (encoding !== undefined) return encoding
  const format = fhirFormatOf(request.headers['content-type'])
  return format.ok ? undefined : format.problem
}

interface BodyJudgement {
  readonly judgement: WriteJudgement
  readonly rule: WriteRule
  /** By the target. */
  readonly named: Named
}

function judgeBody(body: FhirBody, { judgement, rule, named }: BodyJudgement): Denial | undefined {
  if (rule.patch !== undefined) return judgePatchBody(body.body, body.contentType, rule.patch)
  const source = bodySourceOf(rule)
  if (source === undefined) return undefined
  if (source.from !== 'body' || source.shape !== 'bundle') {
    const id = named.ids.find(({ by }) => by === 'id')?.id
    return judgement.take(namedInBody(body, { rule, id, isInBundle: false }))
  }
  const { exchange, arrival, admission } = judgement
  const host = hostName(exchange.request.headers.host ?? '') ?? ''
  const place = { api: admission.api, apis: arrival.environment.apis, host, maxEntries: rule.maxEntries }
  const writes = writesOfBundle(body, place)
  return writes.ok ? judgement.take(namedInWrites(writes.value)) : writes.problem
}

function no(problem: Denial): { readonly ok: false; readonly problem: Denial } {
  return { ok: false, problem }
}
