import type { PlacedPath } from '../config/gateway-config.js'
import { formatPlace } from '../core/diagnostic.js'
import { readBounded } from '../files/read.js'
import { writeAtomically } from '../files/write.js'
import { makeSealKeyPem, readSealKey, type SealKey } from '../observe/audit-seal.js'
import type { Log } from '../observe/log.js'

const maxBytes = 16_384

/**
 * The key that seals the audit trail, made where its file is missing: readable by its owner alone, with
 * the public key beside it.
 *
 * @throws Error with one line where it can be neither read nor made
 */
export async function readOrMakeSealKey(file: PlacedPath, log: Pick<Log, 'info'>): Promise<SealKey> {
  const read = await readBounded(file.path, maxBytes)
  if (read.ok) return keyOf(file, read.value.toString('utf8'))
  if (read.problem.code !== 'not-found') throw refused(file, read.problem.message)
  const pem = makeSealKeyPem()
  const key = keyOf(file, pem)
  for (const [path, text, mode] of [
    [file.path, pem, 0o600],
    [`${file.path}.pub`, key.publicPem, 0o644],
  ] as const) {
    const written = await writeAtomically(path, Buffer.from(text), mode)
    if (!written.ok) throw refused(file, written.problem.message)
  }
  log.info('a key was made that seals the audit trail; keep its public half elsewhere, too', {
    file: `${file.path}.pub`,
  })
  return key
}

function keyOf(file: PlacedPath, pem: string): SealKey {
  const key = readSealKey(pem)
  if (!key.ok) throw refused(file, `${key.problem} in \`${file.path}\``)
  return key.value
}

function refused({ place }: PlacedPath, message: string): Error {
  return new Error(`${formatPlace(place)} audit.sealKey ${message}`)
}
