/**
 * The trace that a `traceparent` field belongs to; undefined where it says none.
 *
 * Higher versions are read as far as they look like version 00, as the specification asks.
 *
 * @see W3C Trace Context, sections 3.2 and 3.2.2
 */
export function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== 'string') return undefined
  const found = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(traceparent)
  if (found === null) return undefined
  const [, version, traceId, parentId, more] = found
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  return /^0+$/.test(traceId ?? '0') || /^0+$/.test(parentId ?? '0') ? undefined : traceId
}
