/** What an audit line tells of one past request, as far as it can be judged again or counted. */
export interface PastRequest {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly requestId: string
  readonly environment: string
  readonly api: string | undefined
  readonly partner: string | undefined
  readonly certificateSha256: string | undefined
  readonly subject: string | undefined
  readonly publicKeySha256: string | undefined
  readonly notAfter: string | undefined
  readonly method: string
  readonly path: string
  /** JSON text of the establishments written, the first 100: read with `establishmentsOf`. */
  readonly named: string
  readonly establishmentCount: number
  readonly decision: string
  readonly enforced: boolean
  readonly reason: string | undefined
  readonly status: number | undefined
}

interface PastEstablishment {
  readonly idNatStruct: string
  readonly at: string
}

/** The establishments of a past request. */
export function establishmentsOf({ named }: PastRequest): readonly PastEstablishment[] {
  if (named.length <= 2) return []
  const read: unknown = JSON.parse(named)
  return Array.isArray(read) ? read.filter(isEstablishment) : []
}

const opening = '{"schema":1,"time":"'

// texts in the order of the line, so that a line is gone through once; `{` stands before none of these
const texts = [
  'event',
  'requestId',
  'environment',
  'api',
  'partner',
  'certificateSha256',
  'subject',
  'publicKeySha256',
  'notAfter',
  'method',
  'path',
] as const
const laterTexts = ['decision', 'reason'] as const
type TextField = (typeof texts)[number] | (typeof laterTexts)[number]

const needles = [...texts, ...laterTexts].map((name) => ({ name, needle: `,"${name}":"` }))
const list = ',"establishments":['
const listEnd = '],"establishmentCount":'

/**
 * The request that an audit line tells of; undefined where it tells of something else, or is no audit line.
 *
 * A line as the gateway writes it is gone through once, 1 to 2 µs; any other JSON of the same fields is
 * parsed. No quote stands unescaped inside a JSON string, so `,"name":"` is found at a field alone.
 */
export function readAuditLine(line: string): PastRequest | undefined {
  if (!line.startsWith(opening) || !line.endsWith('}') || line.includes('\\')) return readAnyJson(line)
  const found: Partial<Record<TextField, string>> = {}
  let at = opening.length
  const timeEnd = line.indexOf('"', at)
  const time = line.slice(at, timeEnd)
  at = timeEnd
  let named = ''
  let count = 0
  for (const { name, needle } of needles) {
    if (name === 'decision') {
      const start = line.indexOf(list, at)
      if (start !== -1) {
        const end = line.indexOf(listEnd, start)
        if (end === -1) return readAnyJson(line)
        named = line.slice(start + list.length - 1, end + 1)
        at = end + listEnd.length
        count = Number.parseInt(line.slice(at, at + 9), 10)
      }
    }
    const start = line.indexOf(needle, at)
    if (start === -1) continue
    const begin = start + needle.length
    const end = line.indexOf('"', begin)
    found[name] = line.slice(begin, end)
    at = end
    if (name === 'event' && found.event !== 'request') return undefined
  }
  if (found.event === undefined) return undefined
  return {
    time,
    requestId: found.requestId ?? '',
    environment: found.environment ?? '',
    api: found.api,
    partner: found.partner,
    certificateSha256: found.certificateSha256,
    subject: found.subject,
    publicKeySha256: found.publicKeySha256,
    notAfter: found.notAfter,
    method: found.method ?? '',
    path: found.path ?? '',
    named,
    establishmentCount: count,
    decision: found.decision ?? '',
    enforced: found.decision !== 'deny' || !line.includes(',"enforced":false'),
    reason: found.reason,
    status: statusAfter(line, at),
  }
}

function statusAfter(line: string, at: number): number | undefined {
  const needle = ',"status":'
  const start = line.indexOf(needle, at)
  if (start === -1) return undefined
  const value = Number.parseInt(line.slice(start + needle.length, start + needle.length + 4), 10)
  return Number.isNaN(value) ? undefined : value
}

function readAnyJson(line: string): PastRequest | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const text = (name: string): string | undefined => {
    const found: unknown = Reflect.get(value, name)
    return typeof found === 'string' ? found : undefined
  }
  const number = (name: string): number | undefined => {
    const found: unknown = Reflect.get(value, name)
    return typeof found === 'number' ? found : undefined
  }
  if (text('event') !== 'request') return undefined
  const named: unknown = Reflect.get(value, 'establishments')
  const establishments = Array.isArray(named) ? named.filter(isEstablishment) : []
  return {
    time: text('time') ?? '',
    requestId: text('requestId') ?? '',
    environment: text('environment') ?? '',
    api: text('api'),
    partner: text('partner'),
    certificateSha256: text('certificateSha256'),
    subject: text('subject'),
    publicKeySha256: text('publicKeySha256'),
    notAfter: text('notAfter'),
    method: text('method') ?? '',
    path: text('path') ?? '',
    named: JSON.stringify(establishments),
    establishmentCount: number('establishmentCount') ?? establishments.length,
    decision: text('decision') ?? '',
    enforced: Reflect.get(value, 'enforced') !== false,
    reason: text('reason'),
    status: number('status'),
  }
}

function isEstablishment(value: unknown): value is PastEstablishment {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'idNatStruct') === 'string' &&
    typeof Reflect.get(value, 'at') === 'string'
  )
}
