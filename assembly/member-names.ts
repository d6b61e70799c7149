// Names of the members of one object, eight bytes each in a row: address and size.

/** Of the first and the last eight bytes and the length. */
export function hash(name: u32, size: u32): u64 {
  const head = load<u64>(name)
  const mixed =
    size < 8
      ? head & (((<u64>1) << ((<u64>size) << 3)) - 1)
      : head ^ rotl<u64>(load<u64>(name + size - 8), 23)
  return ((mixed ^ size) * 0x9e3779b97f4a7c15) >> 58
}

export function isAmong(name: u32, size: u32, first: u32, top: u32): bool {
  for (let entry = first; entry < top; entry += 8) {
    if (load<u32>(entry + 4) == size && isSame(load<u32>(entry), name, size)) return true
  }
  return false
}

function isSame(a: u32, b: u32, size: u32): bool {
  let i: u32 = 0
  for (; i + 16 <= size; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false
  }
  for (; i < size; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false
  return true
}
