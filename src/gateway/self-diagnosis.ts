import type { Answer } from './answer.js'
import { connectionPage } from './connection-page.js'
import { reportConnection, type ConnectionQuestion } from './connection-report.js'
import { pageFields, wantsPage } from './partner-page.js'

/** Where a partner finds out, alone, what the gateway sees of it. */
export const selfDiagnosisPath = '/.well-known/ror-gateway/connection'

/** The report, as JSON, or as a page where the client is a browser. @param now - epoch milliseconds */
export function diagnoseConnection(
  { accept, ...question }: ConnectionQuestion & { readonly accept: string | undefined },
  now: number,
): Answer {
  const report = reportConnection(question, now)
  if (!wantsPage(accept)) {
    return {
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: `${JSON.stringify(report, null, 2)}\n`,
      fields: { 'X-Request-Id': report.requestId },
    }
  }
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body: connectionPage(report),
    fields: {
      'X-Request-Id': report.requestId,
      ...pageFields,
    },
  }
}
