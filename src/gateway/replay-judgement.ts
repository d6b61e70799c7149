import {
  admit,
  clientNames,
  permitWrite,
  settle,
  type Admission,
  type ClientNames,
} from '../core/admission.js'
import type { Api } from '../core/api.js'
import { deny } from '../core/decision.js'
import { parseName } from '../core/name-text.js'
import { denialReasons, type DenialReason } from '../core/reasons.js'
import { judgeTarget } from '../core/request-target.js'
import { operationOf, type Operation, type Route } from '../core/route.js'
import { parseSpkiSha256, type SpkiSha256 } from '../core/spki.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import { establishmentsOf, type PastRequest } from '../observe/audit-line.js'
import { stepNames, stepOf } from './explain-steps.js'

/** The rules of one environment, as far as a past request can be judged by them. */
export interface ReplayRules {
  readonly whitelist: OpenWhitelist
  /** Undefined where a whitelist stands alone: then every API is matched by `either`, and writes are those that named establishments. */
  readonly apis: readonly Api[] | undefined
}

/** What a past request would come to; `unknown` where the audit line does not tell enough. */
export type ReplayVerdict =
  | {
      readonly effect: 'permit' | 'deny'
      readonly reason: DenialReason | undefined
      readonly partner: string | undefined
    }
  | { readonly effect: 'unknown'; readonly why: ReplayGap }

/**
 * `public-key`: the line is older than the field; `establishments`: the request was refused before they
 * were read, or there were more than a line holds; `path`: it was cut; `ror-headers`: the values pinned
 * have changed, and no line says what was sent.
 */
export type ReplayGap = 'public-key' | 'establishments' | 'path' | 'ror-headers'

const listingStep = stepNames.indexOf('listing')
const reasonsKnown: ReadonlySet<string> = new Set(denialReasons)
const unknownKey = '0'.repeat(64) as SpkiSha256 // 64 digits; the pin of no key that anybody has

/** The reason of a line, where it is a denial's. */
export function denialOf({ reason }: PastRequest): DenialReason | undefined {
  return reason !== undefined && reasonsKnown.has(reason) ? (reason as DenialReason) : undefined // in the list
}

/** Whether the whitelist had no say: refused before it was asked, failed, or answered by the gateway itself. */
export function isBeforeListing(past: PastRequest): boolean {
  if (past.subject === undefined || past.decision === 'fail' || past.api === 'self-diagnosis') return true
  const reason = denialOf(past)
  return reason !== undefined && stepNames.indexOf(stepOf(reason)) < listingStep
}

/** The names of the client of a line; undefined where its subject cannot be read back. */
export function namesOf({ subject, publicKeySha256 }: PastRequest): ClientNames | undefined {
  const name = parseName(subject ?? '')
  if (!name.ok) return undefined
  const key = publicKeySha256 === undefined ? undefined : parseSpkiSha256(publicKeySha256)
  return clientNames(name.value, key ?? unknownKey)
}

/**
 * What these rules make of a past request at this moment: listing, dates, grants, described writes and
 * establishments, by the very functions that `serve` judges with.
 *
 * What does not depend on the whitelist (a body, a token, a limit) is taken as it was.
 */
export function judgePast(
  past: PastRequest,
  { whitelist, apis }: ReplayRules,
  { client, at }: { readonly client: ClientNames; readonly at: number },
): ReplayVerdict {
  const route = routeOf(past, apis)
  if (route === 'cut') return { effect: 'unknown', why: 'path' }
  const admission = admit({ whitelist, route, client, rorHeaders: {} }, at)
  if (client.spkiSha256 === unknownKey && needsKey(admission, { whitelist, client, api: route?.api })) {
    return { effect: 'unknown', why: 'public-key' }
  }
  if (admission.effect === 'deny') return { effect: 'deny', reason: admission.reason, partner: undefined }
  const { entry, operation } = admission
  const partner = entry.partner.id
  const reason = denialOf(past)
  const step = reason === undefined ? undefined : stepOf(reason)
  if (reason !== undefined && (step === 'body' || step === 'token' || step === 'limits')) {
    const settled = step === 'limits' ? settle(entry, deny(reason)) : deny(reason)
    return { effect: settled.effect, reason, partner }
  }
  if (reason !== undefined && (step === 'ror-headers' || isAboutNaming(reason))) {
    const settled = permitWrite(whitelist, entry, deny(reason))
    return { effect: settled.effect, reason, partner }
  }
  if (operation.kind !== 'write') return { effect: 'permit', reason: undefined, partner }
  const written = establishmentsOf(past)
  if (written.length === 0 || written.length < past.establishmentCount) {
    return { effect: 'unknown', why: 'establishments' }
  }
  const permission = permitWrite(whitelist, entry, written)
  if (permission.effect === 'deny') return { effect: 'deny', reason: permission.reason, partner }
  // a Bundle is judged part by part: behind the establishment that was refused there may be more
  const isWhole = step !== 'establishments' || operation.rule.establishment.from === 'query'
  return isWhole
    ? { effect: 'permit', reason: undefined, partner }
    : { effect: 'unknown', why: 'establishments' }
}

/** The path as far as it decides what a request asks for: which resource is read does not. */
export function judgedPath({ method, path }: PastRequest): string {
  return method === 'GET' || method === 'HEAD' ? '/' : path
}

function isAboutNaming(reason: DenialReason): boolean {
  return stepOf(reason) === 'establishments' && reason !== 'establishment-not-permitted'
}

function routeOf(past: PastRequest, apis: readonly Api[] | undefined): Route | undefined | 'cut' {
  if (past.api === undefined) return undefined
  if (apis === undefined) return { api: anyApi(past.api), operation: assumedOperation(past) }
  const api = apis.find(({ name }) => name === past.api)
  if (api === undefined) return undefined
  const target = judgeTarget(judgedPath(past))
  if (!target.ok) return 'cut'
  return { api, operation: operationOf(api, past.method, target.value) }
}

// nothing is forwarded
const nowhere: Api['upstream'] = {
  servers: [],
  balance: 'round-robin',
  connectTimeoutMs: undefined,
  responseTimeoutMs: undefined,
  ejection: undefined,
  check: undefined,
  tls: undefined,
}

// of a whitelist without its gateway.yaml
function anyApi(name: string): Api {
  return {
    name,
    kind: 'fhir',
    hosts: [],
    path: '/',
    match: 'either',
    tokenBinding: 'off',
    upstream: nowhere,
    writes: [],
    searchByPost: false,
  }
}

function assumedOperation(past: PastRequest): Operation {
  const named = past.establishmentCount > 0 || denialOf(past)?.startsWith('establishment-') === true
  return named ? { kind: 'write', rule: assumedRule } : { kind: 'read' }
}

const assumedRule: Extract<Operation, { kind: 'write' }>['rule'] = {
  method: 'PATCH',
  path: [],
  establishment: { from: 'query', parameter: 'identifier', form: 'idnatstruct/unit' },
  also: undefined,
  storedType: undefined,
  prefixes: ['1'],
  parameters: [],
  patch: undefined,
  maxBodyBytes: 0,
  maxEntries: 0,
  conditionalCreate: false,
  unitCharacters: '',
}

/** Whether the key that no line says would have decided. */
function needsKey(
  admission: Admission | ReturnType<typeof deny>,
  { whitelist, client, api }: { whitelist: OpenWhitelist; client: ClientNames; api: Api | undefined },
): boolean {
  if (api?.match === 'public-key') return true
  const bySubject = whitelist.findBySubject(client.subjectKey)
  if (bySubject?.publicKey !== undefined) return true
  return (
    admission.effect === 'deny' && admission.reason === 'certificate-not-listed' && api?.match !== 'subject'
  )
}
