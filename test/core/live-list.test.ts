import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LiveList, type LivePlace } from '../../src/core/live-list.js'

test('what was added is there until it is taken out, however often that is done, in whatever order', () => {
  const list = new LiveList<number>()
  const there = new Map<number, LivePlace<number>>()
  let seed = 7
  for (let item = 0; item < 5_000; item += 1) {
    there.set(item, list.add(item))
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    if (seed % 5 < 2) continue
    const keys = [...there.keys()]
    const gone = keys[seed % keys.length] ?? 0
    const place = there.get(gone)
    assert.ok(place)
    list.remove(place)
    list.remove(place)
    there.delete(gone)
  }
  assert.equal(list.size, there.size)
  assert.deepEqual(
    [...list].sort((a, b) => a - b),
    [...there.keys()],
  )
})

test('while it is gone through, what is taken out is not met any more, and what is added is met the next time', () => {
  const list = new LiveList<string>()
  const places = ['a', 'b', 'c', 'd'].map((item) => list.add(item))
  const met: string[] = []
  for (const item of list) {
    met.push(item)
    if (item !== 'b') continue
    for (const place of places) if (place.item !== 'd') list.remove(place)
    list.add('e')
  }
  assert.deepEqual(met, ['a', 'b', 'd'])
  assert.deepEqual([...list].sort(), ['d', 'e'])
})

test('what came and went is young garbage: nothing of it waits for a collection of the whole heap', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // the flag defines it
  const list = new LiveList<number[]>()
  const waiting: LivePlace<number[]>[] = []
  const pass = (count: number): void => {
    for (let each = 0; each < count; each += 1) {
      waiting.push(list.add(Array<number>(200).fill(0.5)))
      const oldest = waiting.length > 16 ? waiting.shift() : undefined
      if (oldest !== undefined) list.remove(oldest)
    }
  }
  pass(10_000)
  collect()
  const before = oldBytes()
  pass(20_000)
  // a Set leaves 9 MB here
  assert.ok(oldBytes() - before < 2_000_000, `${oldBytes() - before} bytes are old`)
})

function oldBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => name.startsWith('old'))
  return spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)
}
