import { ecsNames } from './audit-ecs.js'

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

type Field = TextField | 'time' | 'schema' | 'establishments' | 'establishmentCount' | 'enforced' | 'status'

/** How a line of one format is written, as far as it is read here. */
interface Form {
  readonly nameOf: (field: Field) => string
  /** Everything before the first instant. */
  readonly opening: string
  readonly needles: readonly { readonly name: TextField; readonly needle: string }[]
  readonly list: string
  readonly listEnd: string
  readonly overlooked: string
  readonly status: string
}

function formOf(nameOf: Form['nameOf'], head: string): Form {
  return {
    nameOf,
    opening: `{${head}"${nameOf('schema')}":1,"${nameOf('time')}":"`,
    needles: [...texts, ...laterTexts].map((name) => ({ name, needle: `,"${nameOf(name)}":"` })),
    list: `,"${nameOf('establishments')}":[`,
    listEnd: `],"${nameOf('establishmentCount')}":`,
    overlooked: `,"${nameOf('enforced')}":false`,
    status: `,"${nameOf('status')}":`,
  }
}

const native = formOf((field) => field, '')
const ecs = formOf((field) => ecsNames[field], '"ecs.version":"8.17.0",')

/** What of the trail is looked at: requests, or also the handshakes that `handshake: strict` refused. */
const requestsAlone: ReadonlySet<string> = new Set(['request'])

/**
 * The request that an audit line tells of; undefined where it tells of something else, or is no audit line.
 *
 * A refused handshake, where `events` names `handshake`, is a request without method and path.
 *
 * A line as the gateway writes it is gone through once, 1 to 2 µs; any other JSON of the same fields is
 * parsed. No quote stands unescaped inside a JSON string, so `,"name":"` is found at a field alone.
 */
export function readAuditLine(line: string, events = requestsAlone): PastRequest | undefined {
  const form = line.startsWith(native.opening) ? native : line.startsWith(ecs.opening) ? ecs : undefined
  if (form === undefined || !line.endsWith('}') || line.includes('\\')) return readAnyJson(line, events)
  const { list, listEnd } = form
  const found: Partial<Record<TextField, string>> = {}
  let at = form.opening.length
  const timeEnd = line.indexOf('"', at)
  const time = line.slice(at, timeEnd)
  at = timeEnd
  let named = ''
  let count = 0
  for (const { name, needle } of form.needles) {
    if (name === 'decision') {
      const start = line.indexOf(list, at)
      if (start !== -1) {
        const end = line.indexOf(listEnd, start)
        if (end === -1) return readAnyJson(line, events)
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
    if (name === 'event' && !events.has(found.event ?? '')) return undefined
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
    enforced: found.decision !== 'deny' || !line.includes(form.overlooked),
    reason: found.reason,
    status: statusAfter(line, form.status, at),
  }
}

/** A field of a line that was parsed, by its name here, in whichever format the line is. */
export function auditField(line: Readonly<Record<string, unknown>>, name: keyof typeof ecsNames): unknown {
  return line[name] ?? line[ecsNames[name]]
}

function statusAfter(line: string, needle: string, at: number): number | undefined {
  const start = line.indexOf(needle, at)
  if (start === -1) return undefined
  const value = Number.parseInt(line.slice(start + needle.length, start + needle.length + 4), 10)
  return Number.isNaN(value) ? undefined : value
}

function readAnyJson(line: string, events: ReadonlySet<string>): PastRequest | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const form = ecs.nameOf('event') in value ? ecs : native
  const field = (name: Field): unknown => Reflect.get(value, form.nameOf(name))
  const text = (name: Field): string | undefined => {
    const found = field(name)
    return typeof found === 'string' ? found : undefined
  }
  const number = (name: Field): number | undefined => {
    const found = field(name)
    return typeof found === 'number' ? found : undefined
  }
  if (!events.has(text('event') ?? '')) return undefined
  const named = field('establishments')
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
    enforced: field('enforced') !== false,
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
