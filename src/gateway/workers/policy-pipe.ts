import type { Writable } from 'node:stream'
import { Deserializer, Serializer } from 'node:v8'
import { transferablesOf } from '../../core/whitelist-table.js'
import type { LoadedPolicy } from '../policy.js'

const headBytes = 8

/** The descriptor by which policies reach a worker. */
export const policyDescriptor = 4

/** A policy as bytes, for processes of the same build: what crosses a thread crosses this. */
export function encodePolicy(loaded: LoadedPolicy): Buffer {
  // not the module's `serialize`: views come back as views of one whole message there, which a thread cannot hand on
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(loaded)
  return serializer.releaseBuffer()
}

/** One policy behind the other; the bytes are not copied, however many pipes they go through. */
export function sendPolicy(pipe: Writable, encoded: Buffer): void {
  const head = Buffer.alloc(headBytes)
  head.writeBigUInt64LE(BigInt(encoded.length))
  pipe.write(head)
  pipe.write(encoded)
}

/** Puts the policies of a pipe together again. */
export class PolicyReader {
  private chunks: Buffer[] = []
  private held = 0
  private readonly onPolicy: (loaded: LoadedPolicy) => void

  constructor(onPolicy: (loaded: LoadedPolicy) => void) {
    this.onPolicy = onPolicy
  }

  take(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.held += chunk.length
    for (;;) {
      const length = this.length()
      if (length === undefined || this.held < headBytes + length) return
      const all = Buffer.concat(this.chunks)
      const rest = all.subarray(headBytes + length)
      this.chunks = rest.length === 0 ? [] : [rest]
      this.held = rest.length
      const deserializer = new Deserializer(all.subarray(headBytes, headBytes + length))
      deserializer.readHeader()
      this.onPolicy(deserializer.readValue() as LoadedPolicy) // `encodePolicy` wrote it
    }
  }

  private length(): number | undefined {
    if (this.held < headBytes) return undefined
    let [first = Buffer.alloc(0)] = this.chunks
    if (first.length < headBytes) {
      first = Buffer.concat(this.chunks)
      this.chunks = [first]
    }
    return Number(first.readBigUInt64LE())
  }
}

/** The buffers of a policy that a thread hands over instead of copying them. */
export function transferablesOfPolicy(loaded: LoadedPolicy): readonly ArrayBuffer[] {
  return loaded.environments.flatMap(({ whitelist, crls }) => [
    ...transferablesOf(whitelist),
    // made by `SerialCollector` for this set alone
    ...crls.flatMap(({ revoked: { bytes } }) => (bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [])),
  ])
}
