import type { Denial } from '../core/decision.js'
import { renderingOf } from '../core/reasons.js'
import { escapeXml, reasonSystem, sentOf } from '../core/refusal-text.js'

/** An answer's body and its type. */
export interface RenderedFault {
  readonly contentType: string
  readonly body: string
}

interface Fault {
  /** Whose fault it is: `Client`/`Sender` or `Server`/`Receiver`. */
  readonly isSender: boolean
  readonly reason: string | undefined
  readonly en: string
  readonly fr: string
  /** Elements of the detail, in our namespace. */
  readonly detail: string
}

/**
 * A refusal as a SOAP Fault, in the version of the request: `application/soap+xml`, also as the type of
 * an envelope with attachments, is 1.2, anything else 1.1.
 *
 * The detail holds our reason, both sentences, what the client itself sent and the request id.
 *
 * @see SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4
 */
export function renderSoapFault(refusal: {
  readonly denial: Denial
  readonly requestId: string
  readonly contentType: string | undefined
}): RenderedFault {
  const { denial, requestId, contentType } = refusal
  const { status, en, fr } = renderingOf(denial.reason)
  const sent = sentOf(denial).map(
    ([name, value]) => `<sent name="${escapeXml(name)}">${escapeXml(value)}</sent>`,
  )
  const detail = [
    `<reason>${denial.reason}</reason>`,
    `<text xml:lang="fr">${escapeXml(fr)}</text>`,
    `<text xml:lang="en">${escapeXml(en)}</text>`,
    ...sent,
    `<requestId>${escapeXml(requestId)}</requestId>`,
  ].join('')
  return render({ isSender: status < 500, reason: denial.reason, en, fr, detail }, contentType)
}

/** A failure as a SOAP Fault: that something broke, and the request id. */
export function renderSoapFailure(failure: {
  readonly requestId: string
  readonly status: number
  readonly contentType: string | undefined
}): RenderedFault {
  const { requestId, status, contentType } = failure
  return render(
    {
      isSender: status < 500,
      reason: undefined,
      en: 'the request could not be processed',
      fr: 'la requête n’a pas pu être traitée',
      detail: `<requestId>${escapeXml(requestId)}</requestId>`,
    },
    contentType,
  )
}

function render(fault: Fault, contentType: string | undefined): RenderedFault {
  const isSoap12 = isSoap12Type(contentType ?? '')
  return isSoap12
    ? { contentType: 'application/soap+xml; charset=utf-8', body: soap12(fault) }
    : { contentType: 'text/xml; charset=utf-8', body: soap11(fault) }
}

// with attachments (MTOM) the type of the envelope stands in a parameter (RFC 2387 section 3)
function isSoap12Type(contentType: string): boolean {
  if (/^multipart\/related[ \t]*;/i.test(contentType)) return /"application\/soap\+xml[";]/i.test(contentType)
  return /^application\/soap\+xml[ \t]*(?:;|$)/i.test(contentType)
}

function soap11({ isSender, fr, detail }: Fault): string {
  return envelope(
    'http://schemas.xmlsoap.org/soap/envelope/',
    `<faultcode>soap:${isSender ? 'Client' : 'Server'}</faultcode>` +
      `<faultstring xml:lang="fr">${escapeXml(fr)}</faultstring>` +
      `<detail><refusal xmlns="${reasonSystem}">${detail}</refusal></detail>`,
  )
}

function soap12({ isSender, reason, en, fr, detail }: Fault): string {
  const subcode =
    reason === undefined
      ? ''
      : `<soap:Subcode><soap:Value xmlns:ror="${reasonSystem}">ror:${reason}</soap:Value></soap:Subcode>`
  return envelope(
    'http://www.w3.org/2003/05/soap-envelope',
    `<soap:Code><soap:Value>soap:${isSender ? 'Sender' : 'Receiver'}</soap:Value>${subcode}</soap:Code>` +
      `<soap:Reason><soap:Text xml:lang="fr">${escapeXml(fr)}</soap:Text>` +
      `<soap:Text xml:lang="en">${escapeXml(en)}</soap:Text></soap:Reason>` +
      `<soap:Detail><refusal xmlns="${reasonSystem}">${detail}</refusal></soap:Detail>`,
  )
}

function envelope(namespace: string, fault: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<soap:Envelope xmlns:soap="${namespace}"><soap:Body><soap:Fault>${fault}</soap:Fault></soap:Body></soap:Envelope>`
  )
}
