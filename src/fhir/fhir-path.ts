import type { Result } from '../core/result.js'

interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'mark'
  readonly text: string
  readonly at: number
}

const maxLength = 4096
const maxNesting = 8
const filters: ReadonlySet<string> = new Set(['where', 'first', 'last', 'single', 'ofType', 'extension'])
const tests: ReadonlySet<string> = new Set(['exists', 'empty', 'not', 'hasValue'])
// operators, and words FHIRPath keeps for itself
const reserved: ReadonlySet<string> = new Set(
  'and or xor implies is as in contains div mod true false'.split(' '),
)

// one token, white space before it left out; whatever is not here ends the reading
const tokenAt =
  /[ \t\r\n]*(?:([A-Za-z_][A-Za-z0-9_]*)|'((?:[^'\\\p{Cc}]|\\(?:['"`\\/fnrt]|u[0-9A-Fa-f]{4}))*)'|([0-9]{1,9})(?![0-9A-Za-z_])|(!=|[.()[\]=]))/uy

/**
 * The element names a FHIRPath leads through, filters left out: `Location.extension.where(url='x').value`
 * is `['Location', 'extension', 'value']`. Or why it is not taken.
 *
 * Only what stays below the element it begins with: names, indexers, `where`, `first`, `last`,
 * `single`, `ofType`, `extension`, and in criteria `exists`, `empty`, `not`, `hasValue`, `=`, `!=`,
 * `and`, `or`, strings, numbers. No unions, variables, `resolve`, `descendants`, delimited names,
 * comments: each of them leads, or hides a way, elsewhere.
 *
 * @see FHIRPath 2.0.0 section 5, 8
 */
export function elementsOfPath(path: string): Elements {
  const known = readBefore.get(path)
  if (known !== undefined) return known
  const elements = readElements(path)
  if (path.length <= longestKept) {
    if (readBefore.size >= mostKept) readBefore.clear()
    readBefore.set(path, elements)
  }
  return elements
}

type Elements = Result<readonly string[], string>

// a partner's software sends the same few paths with every write; 14 µs of a capacity PATCH were their reading
const readBefore = new Map<string, Elements>()
const mostKept = 1_000
const longestKept = 512

function readElements(path: string): Elements {
  if (path.length > maxLength)
    return { ok: false, problem: `the path is longer than ${maxLength} characters` }
  const tokens: Token[] = []
  tokenAt.lastIndex = 0
  let end = 0
  for (let found = tokenAt.exec(path); found !== null; found = tokenAt.exec(path)) {
    end = tokenAt.lastIndex
    const [whole, name, text, number, mark] = found
    const at = end - whole.trimStart().length
    if (name !== undefined) tokens.push({ kind: 'name', text: name, at })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at })
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, at })
    else tokens.push({ kind: 'text', text: text ?? '', at })
  }
  const rest = path.slice(end).replace(/^[ \t\r\n]+/, '')
  if (rest !== '') {
    const character = path.length - rest.length + 1
    return { ok: false, problem: `character ${character} begins nothing that a patch path may hold here` }
  }
  const reader = new PathReader(tokens)
  const elements = reader.readPath()
  return reader.problem === undefined ? { ok: true, value: elements } : { ok: false, problem: reader.problem }
}

class PathReader {
  problem: string | undefined = undefined
  readonly #tokens: readonly Token[]
  #next = 0
  #nesting = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  readPath(): readonly string[] {
    const elements = this.#readChain(false)
    if (this.#next < this.#tokens.length) this.#expected('the end of the path')
    return elements
  }

  /** `name.name[0].where(…).name`; tests such as `exists()` only where a truth value is wanted. */
  #readChain(inCriterion: boolean): string[] {
    const elements: string[] = []
    do {
      const step = this.#take('name')
      if (step === undefined || reserved.has(step)) {
        this.#expected('an element name', step === undefined ? 0 : 1)
        return elements
      }
      if (this.#takeMark('(')) {
        // the resource itself is named, never filtered: readers that split the text at its dots agree on it
        if (!inCriterion && (elements.length === 0 || (elements.length === 1 && step !== 'extension'))) {
          this.#expected('an element of the resource', 2)
        }
        if (step === 'extension') elements.push(step)
        this.#readArguments(step, inCriterion)
      } else {
        // a type, anywhere but at the start: some readers pass over it
        if (!inCriterion && elements.length > 0 && !/^[a-z]/.test(step)) {
          this.#expected('an element name', 1)
        }
        elements.push(step)
      }
      while (this.problem === undefined && this.#takeMark('[')) {
        if (!inCriterion && elements.length === 1) this.#expected('an element of the resource', 1)
        if (this.#take('number') === undefined || !this.#takeMark(']')) this.#expected('a number and `]`')
      }
    } while (this.problem === undefined && this.#takeMark('.'))
    return elements
  }

  #readArguments(name: string, inCriterion: boolean): void {
    if (!filters.has(name) && !(inCriterion && tests.has(name))) {
      this.problem ??= `the function \`${name.slice(0, 40)}\` is not taken here`
      return
    }
    if (name === 'where') this.#readCriterion()
    else if (name === 'extension' && this.#take('text') === undefined) this.#expected('a string')
    else if (name === 'ofType' && this.#take('name') === undefined) this.#expected('a type')
    else if (name === 'exists' && !this.#sees(')')) this.#readCriterion()
    if (!this.#takeMark(')')) this.#expected('`)`')
  }

  #readCriterion(): void {
    if (++this.#nesting > maxNesting) this.problem ??= `the path nests deeper than ${maxNesting} levels`
    do {
      this.#readOperand()
      if (this.problem === undefined && (this.#takeMark('=') || this.#takeMark('!='))) this.#readOperand()
    } while (this.problem === undefined && this.#takeConjunction())
    this.#nesting--
  }

  #readOperand(): void {
    if (this.problem !== undefined) return
    if (this.#takeMark('(')) {
      this.#readCriterion()
      if (!this.#takeMark(')')) this.#expected('`)`')
      return
    }
    const token = this.#tokens[this.#next]
    const isTruth = token?.kind === 'name' && (token.text === 'true' || token.text === 'false')
    if (token?.kind === 'text' || token?.kind === 'number' || isTruth) this.#next++
    else this.#readChain(true)
  }

  #takeConjunction(): boolean {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'name' || (token.text !== 'and' && token.text !== 'or')) return false
    this.#next++
    return true
  }

  #take(kind: Token['kind']): string | undefined {
    const token = this.#tokens[this.#next]
    if (token?.kind !== kind) return undefined
    this.#next++
    return token.text
  }

  #sees(mark: string): boolean {
    const token = this.#tokens[this.#next]
    return token?.kind === 'mark' && token.text === mark
  }

  #takeMark(mark: string): boolean {
    if (!this.#sees(mark)) return false
    this.#next++
    return true
  }

  #expected(what: string, back = 0): void {
    const token = this.#tokens[this.#next - back]
    this.problem ??= `expected ${what} at ${token === undefined ? 'the end' : `character ${token.at + 1}`}`
  }
}
