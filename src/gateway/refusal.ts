import type { IncomingMessage } from 'node:http'
import type { Denial } from '../core/decision.js'
import { statusOf, type Failure } from '../core/failure.js'
import { renderingOf, type DenialReason } from '../core/reasons.js'
import { parametersOf, percentDecoded } from '../core/request-target.js'
import { renderSoapFailure, renderSoapFault } from '../csd/soap-fault.js'
import { chooseFormat, renderFailure, renderOperationOutcome } from '../fhir/operation-outcome.js'
import { renderTokenError, renderTokenFailure } from '../oauth/token-error.js'
import type { ApiKind } from '../core/api.js'
import type { Answer } from './answer.js'
import { pageFields, refusalPage, wantsPage } from './partner-page.js'
import { selfDiagnosisPath } from './self-diagnosis.js'

/** Whom an answer of ours is for, and how they speak. */
export interface Audience {
  readonly request: IncomingMessage
  /** Undefined where no API could be told: FHIR then, as most clients are. */
  readonly kind: ApiKind | undefined
  readonly requestId: string
}

/** A refusal in the client's language: OperationOutcome, RFC 6749 error, SOAP Fault, or a page. Never a 404. */
export function refusalAnswer(denial: Denial, audience: Audience): Answer {
  const { status } = renderingOf(denial.reason)
  const fields: Record<string, string> = {
    'X-Request-Id': audience.requestId,
    'Ror-Gateway-Reason': denial.reason,
  }
  if (status === 401) fields['WWW-Authenticate'] = challengeFor(denial)
  if (status === 405) fields['Allow'] = denial.sent?.['allowed'] ?? ''
  if (status === 429 || status === 503) fields['Retry-After'] = denial.sent?.['retryAfter'] ?? '30'
  const isLast = endsConnection.has(denial.reason)
  if (isForPeople(audience)) {
    const body = refusalPage(denial, audience.requestId)
    return {
      status,
      contentType: 'text/html; charset=utf-8',
      body,
      isLast,
      fields: { ...fields, ...pageFields },
    }
  }
  return { status, fields, isLast, ...render(denial, audience) }
}

// the page of a connection, which partners open in a browser: without their certificate, the first time
function isForPeople({ request }: Audience): boolean {
  return wantsPage(request.headers.accept) && request.url?.split('?', 1)[0] === selfDiagnosisPath
}

// where the request ends is in doubt, or its end has been waited for long enough
const endsConnection: ReadonlySet<DenialReason> = new Set(['request-ambiguous', 'request-timeout'])

// a 401 must name a challenge; there is no registered one for TLS client certificates (RFC 9110 section 11.6.1)
function challengeFor({ reason }: Denial): string {
  // RFC 8705 section 3
  if (reason === 'token-binding-mismatch') return 'Bearer realm="ROR", error="invalid_token"'
  return 'ClientCertificate realm="ROR"'
}

/** What is said of a failure: the request id, nothing else. */
export function failureAnswer({ code, retryAfterSeconds = 10 }: Failure, audience: Audience): Answer {
  const { requestId, request, kind } = audience
  const status = statusOf(code)
  const failure = { requestId, status }
  const fields: Record<string, string> = {
    'X-Request-Id': requestId,
    ...(status === 503 && { 'Retry-After': String(retryAfterSeconds) }),
  }
  switch (kind) {
    case 'oauth-token':
      return { status, fields, ...renderTokenFailure(failure) }
    case 'csd':
      return {
        status,
        fields,
        ...renderSoapFailure({ ...failure, contentType: request.headers['content-type'] }),
      }
    case 'fhir':
    case undefined:
      return { status, fields, ...renderFailure({ ...failure, format: formatFor(request) }) }
  }
}

function render(
  denial: Denial,
  { request, kind, requestId }: Audience,
): { contentType: string; body: string } {
  switch (kind) {
    case 'oauth-token':
      return renderTokenError({ denial, requestId })
    case 'csd':
      return renderSoapFault({ denial, requestId, contentType: request.headers['content-type'] })
    case 'fhir':
    case undefined:
      return renderOperationOutcome({ denial, requestId, format: formatFor(request) })
  }
}

function formatFor(request: IncomingMessage): 'json' | 'xml' {
  const query = (request.url ?? '').split('?', 2)[1] ?? ''
  const formatParameter = parametersOf(query).find(({ name }) => name === '_format')?.value
  return chooseFormat({
    accept: request.headers.accept,
    formatParameter: formatParameter === undefined ? undefined : percentDecoded(formatParameter),
    contentType: request.headers['content-type'],
  })
}
