import type { Result } from './result.js'

/** Why a text is no name, and where: an offset in UTF-16 units into the text as given. */
export interface NameProblem {
  readonly message: string
  readonly offset: number
}

/** What was read of a text, and the offset behind it. */
export interface Read<Value> {
  readonly value: Value
  readonly end: number
}

/** The result of a reading that found this wrong there. */
export function problemAt(offset: number, message: string): { ok: false; problem: NameProblem } {
  return { ok: false, problem: { message, offset } }
}

/** The result of a reading that went well up to `end`. */
export function read<Value>(value: Value, end: number): Result<Read<Value>, NameProblem> {
  return { ok: true, value: { value, end } }
}

/** A piece of a text for a message: short, in backticks, with what cannot be seen made visible. */
export function shown(text: string): string {
  const visible = text.slice(0, 24).replaceAll(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, codePoint)
  return `\`${visible.replaceAll('`', "'")}${text.length > 24 ? '…' : ''}\``
}

/** `U+00A0`, for a character that cannot be shown. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Whether a character that no name may hold stands there: C0, DEL, C1. */
export function controlIn(text: string): RegExpExecArray | null {
  return /\p{Cc}/u.exec(text)
}
