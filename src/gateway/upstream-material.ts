import { createHash } from 'node:crypto'
import type { UpstreamTlsFiles } from '../core/upstream.js'
import type { UpstreamTls } from '../http/forwarder.js'
import { readCertificates } from '../x509/material.js'
import { toPem } from '../x509/pem.js'
import { largest, type LoadFiles } from './load-files.js'
import { readCredential } from './server-material.js'

/**
 * What the `https:` servers of an API are verified by and shown; undefined where something is wrong
 * with it, which is told to `files`.
 */
export async function loadUpstreamTls(
  tls: UpstreamTlsFiles,
  files: LoadFiles,
): Promise<UpstreamTls | undefined> {
  const authorities = await loadAuthorities(tls, files)
  const credential = await loadCredential(tls, files)
  if (authorities === 'wrong' || credential === 'wrong') return undefined
  const { serverName } = tls
  const digest = createHash('sha256').update(JSON.stringify([authorities, credential, serverName]))
  return { id: digest.digest('hex').slice(0, 32), authorities, ...credential, serverName }
}

async function loadAuthorities(
  { ca }: UpstreamTlsFiles,
  files: LoadFiles,
): Promise<readonly string[] | undefined | 'wrong'> {
  if (ca === undefined) return undefined
  const found: string[] = []
  let isWrong = false
  for (const path of ca) {
    const bytes = await files.readBytes(path, largest.material)
    const read = bytes === undefined ? undefined : readCertificates(bytes)
    if (read?.ok === false)
      files.refuse(path.place, 'upstream-ca', `\`${path.path}\`: ${read.problem.message}`)
    if (read?.ok === true) found.push(...read.value.map(({ der }) => toPem('CERTIFICATE', der)))
    else isWrong = true
  }
  return isWrong ? 'wrong' : found
}

async function loadCredential(
  { credential }: UpstreamTlsFiles,
  files: LoadFiles,
): Promise<{ readonly certificate: string; readonly key: string } | undefined | 'wrong'> {
  if (credential === undefined) return undefined
  const certificate = await files.readText(credential.certificate, largest.material)
  const key = await files.readText(credential.key, largest.material)
  if (certificate === undefined || key === undefined) return 'wrong'
  const read = readCredential({ certificate, key }, credential, 'upstream')
  if (read.ok) return { certificate, key }
  files.diagnostics.push(read.problem)
  return 'wrong'
}
