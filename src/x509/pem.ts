import type { Result } from '../core/result.js'

/** One block of a PEM file. */
export interface PemBlock {
  readonly label: string
  readonly der: Uint8Array
  /** 1-based line of its BEGIN. */
  readonly line: number
}

/** Why a file is not PEM that is read here. */
export interface PemProblem {
  readonly code: 'pem-malformed' | 'private-key-present' | 'text-encoding'
  readonly message: string
  readonly line?: number
}

/** PEM with lines of 64 characters. @see RFC 7468 section 2 */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** Whether bytes are PEM (or a text that should be) rather than one DER element that fills them. */
export function looksLikePem(bytes: Uint8Array): boolean {
  if (bytes[0] === 0x30 && derLength(bytes) === bytes.length) return false
  return startsAsUtf16(bytes) || Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('-----')
}

/** The one DER structure that a text is the bare Base64 of: PEM that lost its lines BEGIN and END. */
export function bareBase64(bytes: Uint8Array): Uint8Array | undefined {
  // `M`: the Base64 of DER's 0x30, which spares other files the work
  const text = Buffer.from(bytes).toString('latin1').replace('\u00ef\u00bb\u00bf', '').trim()
  if (!text.startsWith('M')) return undefined
  const der = decodeBase64(text.replaceAll(/\s/g, ''))
  return der?.[0] === 0x30 && derLength(der) === der.length ? der : undefined
}

/** Whether a text is a public key of SSH. @see RFC 4253 section 6.6, RFC 4716 section 3.2 */
export function isSshKey(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 400)).toString('latin1')
  return /^(?:\u00ef\u00bb\u00bf)?\s*(?:(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA|---- BEGIN SSH2 PUBLIC KEY ----)/.test(
    start,
  )
}

/**
 * Every block of a PEM file, with any text around them; a private key is refused before it is decoded.
 *
 * Lines may be indented or end in CR LF, as mails make them. A BEGIN or END that is not alone on its line, a
 * block that does not end, and anything but Base64 inside one are problems with their line.
 */
export function findPemBlocks(bytes: Uint8Array): Result<readonly PemBlock[], PemProblem> {
  if (startsAsUtf16(bytes)) {
    const message = 'expected PEM as ASCII or UTF-8 text, found UTF-16'
    return { ok: false, problem: { code: 'text-encoding', message } }
  }
  const blocks: PemBlock[] = []
  let open: { label: string; line: number; text: string[] } | undefined
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split(/\r\n|\r|\n/)
  for (const [index, raw] of lines.entries()) {
    const text = raw.trim()
    const line = index + 1
    const [, edge, label] =
      /^(?:\u00ef\u00bb\u00bf)?-----(BEGIN|END) ([A-Z0-9][A-Z0-9 ]*)-----$/.exec(text) ?? []
    if (edge === undefined || label === undefined) {
      if (text.includes('-----BEGIN ') || text.includes('-----END ')) {
        return malformed('expected BEGIN and END alone on their lines', line)
      }
      open?.text.push(text)
      continue
    }
    if (label.endsWith('PRIVATE KEY')) {
      const message = `a private key stands here (\`${label}\`); it must never leave its holder, give the certificate alone`
      return { ok: false, problem: { code: 'private-key-present', message, line } }
    }
    if (edge === 'BEGIN') {
      if (open !== undefined)
        return malformed(`expected the end of the block that begins on line ${open.line}`, line)
      open = { label, line, text: [] }
      continue
    }
    if (open?.label !== label) return malformed(`expected a BEGIN \`${label}\` before its END`, line)
    const der = decodeBase64(open.text.join(''))
    if (der === undefined) return malformed(`expected Base64 in the block \`${label}\``, open.line)
    blocks.push({ label, der, line: open.line })
    open = undefined
  }
  if (open !== undefined)
    return malformed(`expected the END of the block \`${open.label}\`, found the end of the file`, open.line)
  return { ok: true, value: blocks }
}

function malformed(message: string, line: number): Result<never, PemProblem> {
  return { ok: false, problem: { code: 'pem-malformed', message, line } }
}

function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function startsAsUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
}

function derLength(bytes: Uint8Array): number {
  const first = bytes[1] ?? 0
  if (first < 0x80) return 2 + first
  let length = 0
  for (const octet of bytes.subarray(2, 2 + (first & 0x7f))) length = length * 256 + octet
  return 2 + (first & 0x7f) + length
}
