import { Failure } from '../core/failure.js'
import { cut, redact } from './redact.js'

/** A thrown value in the words a log may hold. */
export interface DescribedError {
  readonly kind: string
  readonly code?: string | number
  readonly syscall?: string | number
  readonly address?: string | number
  readonly port?: string | number
  readonly message?: string
  readonly frames?: readonly string[]
  readonly cause?: DescribedError
}

/**
 * What may be written of a thrown value: kind, codes, message and those of its causes.
 *
 * The message of a SyntaxError is left out: JSON.parse quotes what it read. Where the error is none
 * that we foresee the frames of its stack are kept, since it is a bug then.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { kind: typeof error }
  const facts: Partial<Record<'code' | 'syscall' | 'address' | 'port', string | number>> = {}
  for (const name of ['code', 'syscall', 'address', 'port'] as const) {
    const value: unknown = Reflect.get(error, name)
    if (typeof value === 'string') facts[name] = cut(redact(value))
    if (typeof value === 'number') facts[name] = value
  }
  const isForeseen = error instanceof Failure && error.code !== 'internal'
  return {
    kind: cut(error.name),
    ...facts,
    ...(error instanceof SyntaxError ? {} : { message: cut(redact(error.message)) }),
    ...(isForeseen || depth > 0 ? {} : { frames: framesOf(error) }),
    ...(error.cause === undefined || depth >= 4 ? {} : { cause: describeError(error.cause, depth + 1) }),
  }
}

// `at function (file:line:column)` alone: the first lines of a stack repeat the message
function framesOf(error: Error): readonly string[] {
  const stack = typeof error.stack === 'string' ? error.stack : ''
  const messageEnd = stack.indexOf(error.message) + error.message.length
  return (stack.slice(messageEnd).match(/^\s+at .+$/gm) ?? []).slice(0, 8).map((frame) => cut(frame.trim()))
}
