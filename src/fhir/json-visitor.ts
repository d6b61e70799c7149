/** Where a text stops being the JSON this gateway takes: bytes from its beginning, and why. */
export interface JsonProblem {
  readonly offset: number
  readonly message: string
}

/** Bounds of what is read; a text past one of them is refused. */
export interface JsonLimits {
  readonly maxDepth: number
  /** Bytes of one string or member name as written. */
  readonly maxStringBytes: number
  readonly maxNumberBytes: number
}

/** Who is told what stands in the text, in its order. */
export interface JsonVisitor {
  /** Asked before each string and number; where false, its text is not decoded and comes as undefined. */
  readonly wantsText: boolean
  openObject(): void
  closeObject(): void
  openArray(): void
  closeArray(): void
  key(name: string): void
  string(text: string | undefined): void
  number(text: string | undefined): void
  literal(value: boolean | null): void
}

export const defaultJsonLimits: JsonLimits = { maxDepth: 64, maxStringBytes: 1 << 20, maxNumberBytes: 128 }
