import { pino, type Logger } from 'pino'
import { describeError } from './describe-error.js'
import type { LineSink } from './line-sink.js'
import { cut, printable, redact } from './redact.js'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

export type LogLevel = (typeof logLevels)[number]

/**
 * What a log line may say beside its message: a closed list.
 *
 * INVARIANT: no body, query, header, token or key has a field here, and what is not listed is not
 * written, whatever a caller passes.
 */
export interface LogFields {
  readonly requestId?: string | undefined
  readonly environment?: string | undefined
  readonly api?: string | undefined
  readonly partner?: string | undefined
  readonly certificateSha256?: string | undefined
  readonly serialNumber?: string | undefined
  readonly subject?: string | undefined
  readonly issuer?: string | undefined
  readonly clientAddress?: string | undefined
  readonly tlsVersion?: string | undefined
  readonly reason?: string | undefined
  readonly detail?: string | undefined
  readonly code?: string | undefined
  readonly result?: string | undefined
  readonly trigger?: string | undefined
  readonly revision?: string | undefined
  readonly previousRevision?: string | undefined
  readonly file?: string | undefined
  readonly files?: readonly string[] | undefined
  readonly diagnostics?: readonly string[] | undefined
  readonly listen?: string | undefined
  readonly upstream?: string | undefined
  readonly method?: string | undefined
  /** Cut before a query. */
  readonly path?: string | undefined
  readonly status?: number | undefined
  readonly signal?: string | undefined
  readonly version?: string | undefined
  readonly nextUpdate?: string | undefined
  readonly notAfter?: string | undefined
  readonly partners?: number | undefined
  readonly certificates?: number | undefined
  readonly establishments?: number | undefined
  readonly connections?: number | undefined
  readonly requests?: number | undefined
  readonly lines?: number | undefined
  readonly days?: number | undefined
  readonly durationMs?: number | undefined
  /** Process id of one of several. */
  readonly worker?: number | undefined
  /** What broke: its kind, codes and causes, never what it was reading. */
  readonly error?: unknown
}

const maxListed = 100

/** Names are repeated exactly; prose is redacted. */
type Kind = 'exact' | 'prose' | 'path' | 'list' | 'number' | 'error'

const kinds: Readonly<Record<keyof LogFields, Kind>> = {
  requestId: 'exact',
  environment: 'exact',
  api: 'exact',
  partner: 'exact',
  certificateSha256: 'exact',
  serialNumber: 'exact',
  subject: 'exact',
  issuer: 'exact',
  clientAddress: 'exact',
  tlsVersion: 'exact',
  reason: 'exact',
  detail: 'prose',
  code: 'exact',
  result: 'exact',
  trigger: 'exact',
  revision: 'exact',
  previousRevision: 'exact',
  file: 'exact',
  files: 'list',
  diagnostics: 'list',
  listen: 'exact',
  upstream: 'prose',
  method: 'exact',
  path: 'path',
  status: 'number',
  signal: 'exact',
  version: 'exact',
  nextUpdate: 'exact',
  notAfter: 'exact',
  partners: 'number',
  certificates: 'number',
  establishments: 'number',
  connections: 'number',
  requests: 'number',
  lines: 'number',
  days: 'number',
  durationMs: 'number',
  worker: 'number',
  error: 'error',
}

/** The operator's log: what the program does and what breaks, never a judgement of a request. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  readonly level: LogLevel
  /** From the next line on. */
  setLevel(level: LogLevel): void
}

export interface LogOptions {
  readonly level: LogLevel
  readonly destination: LineSink
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Process id, where several write one log. */
  readonly worker?: number
}

/** A log of one JSON object a line: `level`, `time`, the fields in their order, `message`. */
export function createLog(options: LogOptions): Log {
  const { destination, now } = options
  const logger = pino(
    {
      level: options.level,
      base: options.worker === undefined ? null : { worker: options.worker },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => destination.write(printable(line)) },
  )
  return {
    debug: (message, fields) => {
      write(logger, 'debug', { message, fields })
    },
    info: (message, fields) => {
      write(logger, 'info', { message, fields })
    },
    warn: (message, fields) => {
      write(logger, 'warn', { message, fields })
    },
    error: (message, fields) => {
      write(logger, 'error', { message, fields })
    },
    get level() {
      return logger.level as LogLevel // set from a LogLevel only
    },
    setLevel: (level) => {
      logger.level = level
    },
  }
}

function write(
  logger: Logger,
  level: Exclude<LogLevel, 'silent'>,
  { message, fields = {} }: { message: string; fields: LogFields | undefined },
): void {
  if (!logger.isLevelEnabled(level)) return
  const written: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(kinds)) {
    const value: unknown = Reflect.get(fields, name)
    if (value !== undefined) written[name] = clean(value, kind)
  }
  logger[level](written, cut(redact(message)))
}

function clean(value: unknown, kind: Kind): unknown {
  switch (kind) {
    case 'exact':
      return typeof value === 'string' ? cut(value) : null
    case 'prose':
      return typeof value === 'string' ? cut(redact(value)) : null
    case 'path':
      return typeof value === 'string' ? cut(value.replace(/[?#][\s\S]*$/, '')) : null
    case 'list':
      return Array.isArray(value) ? value.slice(0, maxListed).map((item) => clean(item, 'prose')) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'error':
      return describeError(value)
  }
}
