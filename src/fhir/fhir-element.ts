/** How a primitive was written; XML writes every one as a string. */
export type FhirKind = 'string' | 'number' | 'boolean' | 'null' | 'complex' | 'unread'

/**
 * An element of a FHIR body, JSON or XML, as far as a judgement asked for it.
 *
 * JSON arrays and repeated XML elements are the same thing here: several children of one name. What
 * stands beside a primitive (`_value` in JSON, what is inside `<value value="…">` in XML) is a child
 * of the parent under the name with `_`. `children` of an element that was not asked for is empty
 * and its kind `unread`; that it stands there is told.
 */
export interface FhirElement {
  readonly kind: FhirKind
  /** What a primitive says, as written. */
  readonly value: string | undefined
  readonly children: ReadonlyMap<string, readonly FhirElement[]>
}

/** Which children of an element are to be read, and which of theirs. A child without any is a primitive. */
export interface Wanted {
  readonly [name: string]: Wanted
}

interface OpenElement {
  readonly wanted: Wanted
  readonly children: Map<string, FhirElement[]>
}

/** Of a primitive. */
export const noChildren: ReadonlyMap<string, readonly FhirElement[]> = new Map()
/** Stands for what was not asked for. */
export const unread: FhirElement = { kind: 'unread', value: undefined, children: noChildren }

/**
 * Builds the wanted part of a body while a reader goes through the whole of it.
 *
 * Nothing recursive; what is not wanted costs a counter. A problem, once found, stays.
 */
export class FhirElementBuilder {
  problem: string | undefined = undefined
  readonly #root: OpenElement
  #current: OpenElement
  readonly #above: OpenElement[] = []
  // levels below an element that is not wanted
  #unread = 0

  constructor(wanted: Wanted) {
    this.#root = { wanted, children: new Map() }
    this.#current = this.#root
  }

  get root(): FhirElement {
    return { kind: 'complex', value: undefined, children: this.#root.children }
  }

  /** Whether the reader is inside something wanted. */
  get isRead(): boolean {
    return this.#unread === 0
  }

  wants(name: string): boolean {
    return this.#unread === 0 && Object.hasOwn(this.#current.wanted, name)
  }

  /** Says that children of this name stand here, be there none (an empty array). */
  mention(name: string): void {
    if (this.#unread === 0 && !this.#current.children.has(name)) this.#current.children.set(name, [])
  }

  open(name: string): void {
    if (this.#unread > 0) {
      this.#unread++
      return
    }
    const wanted = Object.hasOwn(this.#current.wanted, name) ? this.#current.wanted[name] : undefined
    if (wanted === undefined) {
      this.#add(name, unread)
      this.#unread = 1
      return
    }
    const opened = { wanted, children: new Map<string, FhirElement[]>() }
    this.#add(name, { kind: 'complex', value: undefined, children: opened.children })
    this.#above.push(this.#current)
    this.#current = opened
  }

  close(): void {
    if (this.#unread > 0) {
      this.#unread--
      return
    }
    this.#current = this.#above.pop() ?? this.#root
  }

  primitive(name: string, kind: FhirKind, value: string | undefined): void {
    if (this.#unread > 0) return
    this.#add(name, value === undefined ? unread : { kind, value, children: noChildren })
  }

  #add(name: string, element: FhirElement): void {
    const sameName = this.#current.children.get(name)
    if (sameName === undefined) this.#current.children.set(name, [element])
    else if (element !== unread || sameName[0] !== unread) sameName.push(element)
  }
}
