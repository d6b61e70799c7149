import type { DistinguishedName } from '../core/distinguished-name.js'

/** A short word for a name in messages: its last commonName, else its last attribute. Never for comparing. */
export function commonNameOf(name: DistinguishedName): string {
  const attributes = name.flat()
  const found = attributes.findLast(({ type }) => type === '2.5.4.3') ?? attributes.at(-1)
  return found?.value ?? ''
}
