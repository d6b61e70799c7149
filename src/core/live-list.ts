/** An item of a `LiveList`, and where it stands there. */
export interface LivePlace<Item> {
  readonly item: Item
  /** Undefined once it was taken out. */
  index: number | undefined
}

/**
 * What is there at the moment, in no order: things come to it and leave it all the time.
 *
 * A Set or Map would do the same, and cost more the longer the process runs. V8 gives one that is added to and
 * removed from a new table again and again, each old table points to the new one, and to what it held. Once
 * one of them is old, no collection of young garbage frees those that follow: everything that ever stood in
 * them waits for a collection of the whole heap.
 */
export class LiveList<Item> {
  readonly #places: LivePlace<Item>[] = []

  get size(): number {
    return this.#places.length
  }

  add(item: Item): LivePlace<Item> {
    const place: LivePlace<Item> = { item, index: this.#places.length }
    this.#places.push(place)
    return place
  }

  /** Takes it out, unless that was done. */
  remove(place: LivePlace<Item>): void {
    const { index } = place
    if (index === undefined) return
    place.index = undefined
    // the last one takes the place
    const last = this.#places.pop()
    if (last === undefined || last === place) return
    last.index = index
    this.#places[index] = last
  }

  /** Those that are there now, but for what is taken out meanwhile. */
  *[Symbol.iterator](): Generator<Item, undefined> {
    for (const place of [...this.#places]) if (place.index !== undefined) yield place.item
  }
}
