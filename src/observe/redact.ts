const masks: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(?:-----END [^-]*-----|$)/g, '[private key]'],
  [/\b(bearer|basic|dpop)\s+[\w.~+/=-]{8,}/gi, '$1 [credentials]'],
  [
    /\b(access_token|refresh_token|id_token|client_secret|client_assertion|password|secret|assertion)=[^\s&"'`]*/gi,
    '$1=[secret]',
  ],
  // the query of a target or URL: `?name=value`, or a bare `?` before anything that is not a space
  [/\?[^\s"'`<>]+/g, '?[query]'],
]

/**
 * A text without what no log may hold: private keys, credentials, tokens, query strings.
 *
 * The last line of defence: texts are written so that nothing is found here.
 */
export function redact(text: string): string {
  let clean = text
  for (const [pattern, mask] of masks) clean = clean.replace(pattern, mask)
  return clean.includes('eyJ') ? clean.replace(dotted, withoutToken) : clean
}

// a run that may hold a JWT. Whole: one expression for the token alone looks again from each `-eyJ` of a run without
// a dot, and the name in a certificate of anybody's own is 60 KB of them
const dotted = /[\w-]+(?:\.[\w-]*)*/g

function withoutToken(run: string): string {
  const parts = run.split('.')
  for (const [index, part] of parts.slice(0, -1).entries()) {
    const at = part.search(/\beyJ[\w-]{5}/)
    if (at !== -1) return [...parts.slice(0, index), `${part.slice(0, at)}[token]`].join('.')
  }
  return run
}

/** Longest text that a log or audit field holds. */
const maxText = 1_024

/** A text cut to `maxText` UTF-16 units, with a mark that says how many are missing. */
export function cut(text: string): string {
  if (text.length <= maxText) return text
  const last = text.charCodeAt(maxText - 1)
  // half a character is not kept
  const end = last >= 0xd800 && last <= 0xdbff ? maxText - 1 : maxText
  return `${text.slice(0, end)}…[+${text.length - end}]`
}

// what JSON leaves as it is though readers take it for a line's end, or hide or turn text with it
const unprintable =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g

/** One line of JSON in which every character that is not printed is escaped. */
export function printable(line: string): string {
  return line.replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
