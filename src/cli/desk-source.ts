import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { formatDiagnostic, type Diagnostic } from '../core/diagnostic.js'
import type { Api } from '../core/api.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import { openWhitelist } from '../core/whitelist-table.js'
import { loadPolicy, loadWhitelist } from '../gateway/load.js'
import type { NamedCertificate } from '../gateway/load-whitelist.js'
import { lookupGap } from '../gateway/lookup-material.js'
import { openPolicy, type LoadedPolicy, type Policy } from '../gateway/policy.js'
import { checkOut, splitRevision, type CheckedOut } from './git-revision.js'
import { UsageError } from './verb.js'

/** A whitelist with the APIs it grants; `undefined` where it stands without its gateway.yaml. */
export interface DeskEnvironment {
  readonly name: string
  readonly whitelist: OpenWhitelist
  readonly apis: readonly Api[] | undefined
}

/** What the verbs that compare and list work on. */
export interface DeskSource {
  /** As it was asked for. */
  readonly label: string
  readonly environments: readonly DeskEnvironment[]
  readonly loaded: LoadedPolicy | undefined
  readonly named: readonly NamedCertificate[]
  readonly warnings: readonly Diagnostic[]
  /** Paths of a revision as `REV:path`, others as they are. */
  shown(path: string): string
  close(): Promise<void>
}

/** What could not be read: everything that is wrong with it. Exit code 3. */
export class InvalidSource extends Error {
  override readonly name = 'InvalidSource'
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'))
    this.diagnostics = diagnostics
  }
}

/**
 * Reads a gateway.yaml (its whitelists alone), a whitelist file or folder, or any of them at a git
 * revision (`REV:path`).
 *
 * @throws InvalidSource with every diagnostic; Error where git cannot help
 */
export async function openSource(label: string, cwd = process.cwd()): Promise<DeskSource> {
  const revision = existsSync(resolve(cwd, label)) ? undefined : splitRevision(label)
  const checkedOut = revision === undefined ? undefined : await checkOut(revision, cwd)
  try {
    return await readSource(label, checkedOut?.path ?? resolve(cwd, label), checkedOut)
  } catch (error) {
    await checkedOut?.remove()
    throw error
  }
}

/** What requests are judged by, without what only listening and lookups need. @throws InvalidSource */
export async function judgingPolicy(config: string): Promise<Policy> {
  const loaded = await loadPolicy(resolve(config), 'judge')
  if (!loaded.ok) throw new InvalidSource(loaded.problem.diagnostics)
  return openPolicy(loaded.value)
}

/**
 * As `judgingPolicy`, with what lookups are made with.
 *
 * @returns beside it, the files that could not be read for that: lookups that need them are not made
 * @throws InvalidSource
 */
export async function explainingPolicy(
  config: string,
): Promise<{ readonly policy: Policy; readonly gaps: readonly Diagnostic[] }> {
  const loaded = await loadPolicy(resolve(config), 'explain')
  if (!loaded.ok) throw new InvalidSource(loaded.problem.diagnostics)
  const gaps = loaded.value.warnings.filter(({ code }) => code === lookupGap)
  return { policy: openPolicy(loaded.value), gaps }
}

async function readSource(
  label: string,
  path: string,
  checkedOut: CheckedOut | undefined,
): Promise<DeskSource> {
  const revision = checkedOut === undefined ? undefined : splitRevision(label)?.revision
  const shown = (each: string): string =>
    checkedOut !== undefined && each.startsWith(checkedOut.tree)
      ? `${revision ?? ''}:${relative(checkedOut.base, each)}`
      : each
  const close = (): Promise<void> => checkedOut?.remove() ?? Promise.resolve()
  const gateway = gatewayFileAt(path)
  if (gateway === undefined) {
    const read = await loadWhitelist(path)
    if (!read.ok) throw new InvalidSource(placedAt(read.problem.diagnostics, shown))
    const { whitelist, named, warnings } = read.value
    const environments = [{ name: '', whitelist, apis: undefined }]
    return { label, environments, loaded: undefined, named, warnings, shown, close }
  }
  const read = await loadPolicy(gateway, 'whitelist')
  if (!read.ok) throw new InvalidSource(placedAt(read.problem.diagnostics, shown))
  const { environments, named, warnings } = read.value
  return {
    label,
    environments: environments.map(({ config, whitelist }) => ({
      name: config.name,
      whitelist: openWhitelist(whitelist),
      apis: config.apis,
    })),
    loaded: read.value,
    named,
    warnings,
    shown,
    close,
  }
}

/** The gateway.yaml that a path means, if it means one: a file with `environments`, or a folder that holds it. */
function gatewayFileAt(path: string): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    const inside = join(path, 'gateway.yaml')
    return existsSync(inside) ? inside : undefined
  }
  try {
    const text = readFileSync(path, 'utf8')
    return /^["']?partners["']?\s*:/m.test(text) ? undefined : path
  } catch {
    return path // reading it says what is wrong with it
  }
}

function placedAt(
  diagnostics: readonly Diagnostic[],
  shown: (path: string) => string,
): readonly Diagnostic[] {
  return diagnostics.map((diagnostic) => ({
    ...diagnostic,
    place: { ...diagnostic.place, file: shown(diagnostic.place.file) },
  }))
}

/** The environments of a source, or the one asked for. @throws UsageError where there is none of that name */
export function environmentsOf(
  { environments, loaded }: DeskSource,
  wanted: string | undefined,
): readonly DeskEnvironment[] {
  if (wanted === undefined || loaded === undefined) return environments
  const found = environments.filter(({ name }) => name === wanted)
  if (found.length > 0) return found
  const known = environments.map(({ name }) => name).join('`, `')
  throw new UsageError(`--env: expected \`${known}\`, found \`${wanted}\``)
}
