const token = /"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s{}[\],"]+/gu

/**
 * One JSON object of UTF-8 bytes, or undefined where another reader could take it for something else.
 *
 * RFC 8259 whole, and stricter: member names stand once (compared as decoded), no byte order mark, no
 * lone surrogate. For small texts: the header and the claims of a token.
 */
export function readJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (!isObject(value) || isAmbiguous(text)) return undefined
    return value
  } catch {
    return undefined
  }
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// a name twice, or a surrogate alone. The text is JSON already: a string behind `{` or `,` of an object is a name
function isAmbiguous(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (const [part] of text.matchAll(token)) {
    const names = open.at(-1)
    if (part === '{' || part === '[') open.push(part === '{' ? new Set() : undefined)
    else if (part === '}' || part === ']') open.pop()
    else if (part.startsWith('"')) {
      const decoded = decodedString(part)
      if (decoded === undefined) return true
      if (isName && names !== undefined) {
        if (names.has(decoded)) return true
        names.add(decoded)
      }
    }
    isName = part === '{' || (part === ',' && open.at(-1) !== undefined)
  }
  return false
}

// undefined where an escape leaves a surrogate alone; without escapes UTF-8 holds none
function decodedString(part: string): string | undefined {
  if (!part.includes('\\')) return part.slice(1, -1)
  const decoded: unknown = JSON.parse(part)
  return typeof decoded === 'string' && !/\p{Surrogate}/u.test(decoded) ? decoded : undefined
}
