import { createHash } from 'node:crypto'
import { join, relative } from 'node:path'
import { parseGatewayConfig } from '../config/gateway-file.js'
import { capacityReplaceBody } from './capacity-body.js'
import { developmentConfig, type DevelopmentPorts } from './development-config.js'
import { makeDevelopmentPki } from './development-pki.js'
import { isObject, jsonOf, type JsonObject } from './exchange.js'
import { capacityBodyFile } from './first-calls.js'
import { makePrivateFolder, readIfThere, writeWhole } from './private-files.js'

export interface DevelopmentFolderWish {
  readonly folder: string
  readonly ports: DevelopmentPorts
  /** Epoch milliseconds. */
  readonly now: number
  /** Told what was made, renewed and kept, a line at a time. */
  readonly report: (line: string) => void
}

/** A folder from which a gateway can be started. */
export interface DevelopmentFolder {
  readonly configFile: string
  /** The folder as command lines should write it: relative to the current folder where that is shorter. */
  readonly shown: string
  /** Those asked for, unless the user's own gateway.yaml says otherwise. */
  readonly ports: DevelopmentPorts
}

const markerFile = 'development.json'

/**
 * PKI, configuration, whitelists and a request body, in one folder.
 *
 * A file that the user has edited is never written again: a marker remembers the digest of each
 * file as it was made, and only a file that still has it follows a change of ports.
 *
 * @throws Failure where the folder cannot be made or written, with one line that says why
 */
export async function prepareDevelopmentFolder(wish: DevelopmentFolderWish): Promise<DevelopmentFolder> {
  const { folder, ports, now, report } = wish
  makePrivateFolder(folder)
  const shown = shownPath(folder)
  await preparePki(wish, shown)

  const marker = readMarker(folder)
  const digests: JsonObject = {}
  const [made, edited]: [string[], string[]] = [[], []]
  const files = new Map(developmentConfig(ports))
  files.set(capacityBodyFile, `${JSON.stringify(capacityReplaceBody(12, now), null, 2)}\n`)
  for (const [file, text] of files) {
    const path = join(folder, file)
    const current = readIfThere(path)
    const isOurs = current === undefined || digestOf(current) === marker[file]
    // the body tells the time it was made at, which is no reason to write it again
    const isWanted = current !== text && !(file === capacityBodyFile && current !== undefined)
    if (isOurs && isWanted) {
      makePrivateFolder(join(path, '..'))
      writeWhole(path, text, 'public')
      made.push(file)
    }
    if (!isOurs && isWanted) edited.push(file)
    digests[file] = isOurs && isWanted ? digestOf(text) : marker[file]
  }
  const markerText = `${JSON.stringify(digests, null, 2)}\n`
  if (readIfThere(join(folder, markerFile)) !== markerText) {
    writeWhole(join(folder, markerFile), markerText, 'public')
  }
  if (made.length > 0) report(`wrote ${listed(shown, made)}`)
  for (const file of edited) report(`kept ${shown}/${file} as you edited it`)
  const configFile = join(folder, 'gateway.yaml')
  const standing = edited.includes('gateway.yaml') ? portsOf(configFile, ports) : ports
  return { configFile, shown, ports: standing }
}

/** The ports that an edited gateway.yaml names; those asked for where it names none or cannot be read. */
function portsOf(file: string, asked: DevelopmentPorts): DevelopmentPorts {
  const { config } = parseGatewayConfig({ file, text: readIfThere(file) ?? '' })
  const listens = (name: string): number | undefined =>
    config?.environments.find((environment) => environment.name === name)?.listen.port
  const upstreams =
    config?.environments.flatMap(({ apis }) => apis.flatMap(({ upstream }) => upstream.servers)) ?? []
  const local = upstreams.map((upstream) => /^http:\/\/(?:127\.0\.0\.1|localhost):(\d+)$/.exec(upstream)?.[1])
  const ror = local.find((port) => port !== undefined)
  return {
    sandbox: listens('sandbox') ?? asked.sandbox,
    production: listens('production') ?? asked.production,
    admin: config?.admin?.listen.port ?? asked.admin,
    ror: ror === undefined ? asked.ror : Number(ror),
  }
}

async function preparePki({ folder, now, report }: DevelopmentFolderWish, shown: string): Promise<void> {
  const { made, renewed, kept } = await makeDevelopmentPki(join(folder, 'pki'), now)
  if (made.length > 0) report(`made ${listed(`${shown}/pki`, made)}`)
  if (renewed.length > 0) report(`renewed ${listed(`${shown}/pki`, renewed)}`)
  if (made.length + renewed.length === 0) report(`kept the PKI in ${shown}/pki (${kept.length} files)`)
}

function listed(folder: string, files: readonly string[]): string {
  const shown = files.slice(0, 3).map((file) => `${folder}/${file}`)
  const more = files.length - shown.length
  return shown.join(', ') + (more === 0 ? '' : ` and ${more} more`)
}

/** Relative to the current folder where that is shorter. */
function shownPath(folder: string): string {
  const fromHere = relative('', folder)
  const candidate = fromHere === '' ? '.' : fromHere
  return candidate.length < folder.length || candidate === '.' ? candidate : folder
}

function readMarker(folder: string): JsonObject {
  const marker = jsonOf(Buffer.from(readIfThere(join(folder, markerFile)) ?? ''))
  return isObject(marker) ? marker : {}
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
