import { fieldOf, type Answer, type JsonObject, type ReceivedRequest } from './exchange.js'
import { toFhirXml } from './fhir-xml.js'

/** One issue of an OperationOutcome; the ROR writes `expression` as a list or, once, as a plain text. */
export interface Issue {
  readonly code: string
  readonly diagnostics: string
  readonly expression?: string | string[]
}

/** A resource or an outcome in the format asked for: `_format` first, then Accept, else JSON. */
export function fhirAnswer(
  request: ReceivedRequest,
  status: number,
  content: { readonly body: JsonObject; readonly headers?: Readonly<Record<string, string>> },
): Answer {
  const asXml = wantsXml(request)
  return {
    status,
    headers: {
      'content-type': `application/fhir+${asXml ? 'xml' : 'json'};charset=UTF-8`,
      ...content.headers,
    },
    body: asXml ? toFhirXml(content.body) : JSON.stringify(content.body),
  }
}

/** An OperationOutcome of errors, shaped as the ROR's own. */
export function outcomeAnswer(request: ReceivedRequest, status: number, ...issues: readonly Issue[]): Answer {
  const issue = issues.map((each) => ({ severity: 'error', ...each }))
  return fhirAnswer(request, status, { body: { resourceType: 'OperationOutcome', issue } })
}

function wantsXml(request: ReceivedRequest): boolean {
  const format = request.parameters.get('_format') ?? fieldOf(request.headers, 'accept') ?? 'json'
  const xml = format.indexOf('xml')
  const json = format.indexOf('json')
  return xml !== -1 && (json === -1 || xml < json)
}
