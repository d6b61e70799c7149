import type { Denial } from '../core/decision.js'
import { renderingOf } from '../core/reasons.js'
import { escapeXml, legible, reasonSystem, sentOf } from '../core/refusal-text.js'
import { fhirNamespace } from './fhir-xml.js'
import { fhirFormatOfName, parseMediaType, type FhirFormat } from './media-type.js'

/** An answer's body and its type. */
export interface RenderedOutcome {
  readonly contentType: string
  readonly body: string
}

interface Issue {
  readonly code: string
  readonly reason: string | undefined
  readonly text: string
  readonly diagnostics: string
  readonly expression: string | undefined
}

/**
 * A refusal as an OperationOutcome: one issue with our reason as coding, the French sentence as its
 * text, and in the diagnostics both sentences, what the client itself sent and the request id.
 *
 * @see FHIR R4 section 2.34 (OperationOutcome)
 */
export function renderOperationOutcome(refusal: {
  readonly denial: Denial
  readonly requestId: string
  readonly format: FhirFormat
}): RenderedOutcome {
  const { denial, requestId, format } = refusal
  const { issue, en, fr } = renderingOf(denial.reason)
  const sent = sentOf(denial).filter(([name]) => name !== 'expression')
  const parts = [
    en,
    fr,
    ...sent.map(([name, value]) => `${name}: ${value}`),
    `request id: ${legible(requestId)}`,
  ]
  const expression = denial.sent?.['expression']
  return render(
    {
      code: issue,
      reason: denial.reason,
      text: fr,
      diagnostics: parts.join(' | '),
      expression: expression === undefined ? undefined : legible(expression),
    },
    format,
  )
}

/** A failure as an OperationOutcome: that something broke, and the request id. */
export function renderFailure(failure: {
  readonly requestId: string
  readonly status: number
  readonly format?: FhirFormat
}): RenderedOutcome {
  const { requestId, status, format } = failure
  const code = status === 504 ? 'timeout' : status === 503 ? 'transient' : 'exception'
  return render(
    {
      code,
      reason: undefined,
      text: 'la requête n’a pas pu être traitée',
      diagnostics: `request id: ${legible(requestId)}`,
      expression: undefined,
    },
    format ?? 'json',
  )
}

/**
 * In which format a client of this request reads its answer: `_format` first, then Accept by its
 * weights, then the format it writes in, else JSON. Total: what cannot be read says nothing.
 *
 * `formatParameter` is the value of `_format`, percent-decoded or not; the space that some decoders
 * make of `+` counts as `+`.
 *
 * @see FHIR R4 section 3.1.0.1.11, RFC 9110 section 12.5.1
 */
export function chooseFormat(wishes: {
  readonly accept: string | undefined
  readonly formatParameter: string | undefined
  readonly contentType: string | undefined
}): FhirFormat {
  const { accept, formatParameter, contentType } = wishes
  const named = formatOf(
    (formatParameter ?? '')
      .replaceAll(/%20|%2B/gi, '+')
      .replaceAll(/%2F/gi, '/')
      .replaceAll(' ', '+'),
  )
  const written = formatOf(contentType ?? '') ?? 'json'
  return named ?? acceptedFormat(accept ?? '', written)
}

function acceptedFormat(accept: string, otherwise: FhirFormat): FhirFormat {
  const explicit: Partial<Record<FhirFormat, number>> = {}
  let any: number | undefined
  for (const range of accept.slice(0, 2000).split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = weightOf(parameters)
    const format = formatOf(type)
    if (format !== undefined) explicit[format] = Math.max(explicit[format] ?? 0, weight)
    else if (type === '*/*' || type === 'application/*') any = Math.max(any ?? 0, weight)
  }
  const json = explicit.json ?? any ?? 0
  const xml = explicit.xml ?? any ?? 0
  return json === xml ? otherwise : json > xml ? 'json' : 'xml'
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((each) => each.startsWith('q='))
  if (weight === undefined) return 1
  return /^q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0
}

function formatOf(text: string): FhirFormat | undefined {
  const name = text.trim().toLowerCase()
  if (name === 'json' || name === 'xml') return name
  const parsed = parseMediaType(name)
  return parsed.ok ? fhirFormatOfName(parsed.value.essence) : undefined
}

function render(issue: Issue, format: FhirFormat): RenderedOutcome {
  return format === 'json'
    ? { contentType: 'application/fhir+json; charset=utf-8', body: jsonOf(issue) }
    : { contentType: 'application/fhir+xml; charset=utf-8', body: xmlOf(issue) }
}

function jsonOf({ code, reason, text, diagnostics, expression }: Issue): string {
  const coding = reason === undefined ? {} : { coding: [{ system: reasonSystem, code: reason }] }
  return JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code,
        details: { ...coding, text },
        diagnostics,
        ...(expression === undefined ? {} : { expression: [expression] }),
      },
    ],
  })
}

function xmlOf({ code, reason, text, diagnostics, expression }: Issue): string {
  const primitive = (name: string, value: string): string => `<${name} value="${escapeXml(value)}"/>`
  const coding =
    reason === undefined
      ? ''
      : `<coding>${primitive('system', reasonSystem)}${primitive('code', reason)}</coding>`
  const issue = [
    primitive('severity', 'error'),
    primitive('code', code),
    `<details>${coding}${primitive('text', text)}</details>`,
    primitive('diagnostics', diagnostics),
    expression === undefined ? '' : primitive('expression', expression),
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<OperationOutcome xmlns="${fhirNamespace}"><issue>${issue.join('')}</issue></OperationOutcome>`
}
