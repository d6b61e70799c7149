import { rm, stat } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import type { Diagnostic } from '../core/diagnostic.js'
import type { PartnerDeclaration } from '../core/partner.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import { locatePartner, type LocatedPartner } from '../config/whitelist-edit.js'
import { problemOf } from '../files/problem.js'
import { listFolder, readBounded } from '../files/read.js'
import { writeAtomically } from '../files/write.js'
import { largest, whitelistExtensions } from '../gateway/load-files.js'
import { loadPolicy, loadWhitelist } from '../gateway/load.js'
import { diffWhitelists } from '../gateway/policy-diff.js'
import { openPolicy, type EnvironmentPolicy, type Policy } from '../gateway/policy.js'
import { shownPath } from './desk-output.js'
import { InvalidSource } from './desk-source.js'
import { textOption, UsageError, type OptionDeclaration, type VerbOptions } from './verb.js'

/** The options that say which whitelist is worked on. */
export const deskOptions: readonly OptionDeclaration[] = [
  { name: 'config', value: 'FILE', help: 'gateway.yaml: what the change is judged and checked by' },
  { name: 'env', value: 'NAME', help: 'environment of the gateway.yaml; needed where it has several' },
  { name: 'whitelist', value: 'PATH', help: 'whitelist file or folder (default: that of the environment)' },
]

/** A file before and after a change; undefined: no such file. */
export interface FileChange {
  readonly path: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/** A partner where it is written. */
export interface WrittenEntry {
  readonly path: string
  readonly text: string
  readonly located: LocatedPartner
}

/** Partners of another environment that a change touches, too. */
export interface ChangedElsewhere {
  readonly environment: string
  readonly partners: readonly string[]
}

/** What a change would come to. */
interface Outcome {
  readonly diagnostics: readonly Diagnostic[]
  readonly elsewhere: readonly ChangedElsewhere[]
}

/** One whitelist under the operator's hands: what it says now, and what it would be after a change. */
export class WhitelistDesk {
  /** Undefined where the whitelist is worked on without its gateway.yaml. */
  readonly within: { readonly policy: Policy; readonly environment: EnvironmentPolicy } | undefined
  /** Undefined where no file is there yet. */
  readonly whitelist: OpenWhitelist | undefined
  /** File or folder; undefined where none was named. */
  readonly path: string | undefined
  /** What was doubtful before any change. */
  readonly warnings: readonly Diagnostic[]
  private readonly config: string | undefined
  private readonly pending = new Map<string, FileChange>()

  private constructor(
    desk: Pick<WhitelistDesk, 'within' | 'whitelist' | 'path' | 'warnings'> & {
      readonly config: string | undefined
    },
  ) {
    this.within = desk.within
    this.whitelist = desk.whitelist
    this.path = desk.path
    this.warnings = desk.warnings
    this.config = desk.config
  }

  /** @throws UsageError, InvalidSource where what stands there now is not in order */
  static async open(options: VerbOptions): Promise<WhitelistDesk> {
    const named = textOption(options, 'whitelist')
    const configured = textOption(options, 'config')
    if (named !== undefined && !(await isPresent(resolve(named))) && !isNameOfWhitelist(named)) {
      const message = `no such file or folder, and a new one ends in ${whitelistExtensions.join(' or ')}`
      throw new UsageError(`--whitelist: \`${named}\`: ${message}`)
    }
    if (configured === undefined) {
      const path = named === undefined ? undefined : resolve(named)
      const isThere = path !== undefined && (await isPresent(path))
      const loaded = isThere ? await loadWhitelist(path) : undefined
      if (loaded !== undefined && !loaded.ok) throw new InvalidSource(loaded.problem.diagnostics)
      const { whitelist, warnings = [] } = loaded?.value ?? {}
      return new WhitelistDesk({ within: undefined, whitelist, path, warnings, config: undefined })
    }
    const config = resolve(configured)
    const loaded = await loadPolicy(config, 'judge')
    if (!loaded.ok) throw new InvalidSource(loaded.problem.diagnostics)
    const policy = openPolicy(loaded.value)
    const environment = environmentOf(policy, textOption(options, 'env'))
    const served = resolve(environment.config.whitelist.path)
    const path = named === undefined ? served : resolve(named)
    // what the environment does not read could be neither judged nor checked by it
    if (path !== served && dirname(path) !== served) {
      const message = `expected \`${shownPath(served)}\` or a file in it, which is what \`${environment.name}\` reads`
      throw new UsageError(`--whitelist: ${message}; found \`${named ?? ''}\``)
    }
    const { whitelist } = environment
    const { warnings } = loaded.value
    return new WhitelistDesk({ within: { policy, environment }, whitelist, path, warnings, config })
  }

  /** The files that would be changed, so far. */
  get changes(): readonly FileChange[] {
    return [...this.pending.values()].filter(({ before, after }) => before !== after)
  }

  /** The text of a file as it would stand; undefined where there is none. */
  async textOf(path: string): Promise<string | undefined> {
    const change = this.pending.get(path)
    return change === undefined ? readText(path) : change.after
  }

  /** Takes a change up; nothing is written yet. */
  async put(path: string, after: string | undefined): Promise<void> {
    const known = this.pending.get(path)
    const before = known === undefined ? await readText(path) : known.before
    this.pending.set(path, { path, before, after })
  }

  /** What is declared of a partner, lists and key files read. */
  declarationOf(id: string): PartnerDeclaration | undefined {
    if (this.whitelist?.hasPartner(id) !== true) return undefined
    for (const partner of this.whitelist.partners()) if (partner.id === id) return partner
    return undefined
  }

  /** The file that holds a partner, and where in it. */
  async entryOf(id: string): Promise<WrittenEntry | undefined> {
    for (const path of await this.files()) {
      const text = await this.textOf(path)
      const located = text === undefined ? undefined : locatePartner(text, id)
      if (text !== undefined && located !== undefined) return { path, text, located }
    }
    return undefined
  }

  /** The file for a partner that is new: one of its own in a folder, else the one there is. */
  async fileFor(id: string): Promise<string | undefined> {
    if (this.path === undefined) return undefined
    return (await isFolder(this.path)) ? join(this.path, `${id}.yaml`) : this.path
  }

  /** Whether the whitelist is a folder, in which a file may be added or removed. */
  async isFolder(): Promise<boolean> {
    return this.path !== undefined && (await isFolder(this.path))
  }

  /** What would be wrong with the whitelist (and its gateway.yaml) as it would stand then, and what changes besides. */
  async check(): Promise<Outcome> {
    const overlay = new Map(
      this.changes.map(({ path, after }) => [path, after === undefined ? undefined : Buffer.from(after)]),
    )
    const { config } = this
    if (config !== undefined) {
      const loaded = await loadPolicy(config, 'judge', overlay)
      if (!loaded.ok) return { diagnostics: loaded.problem.diagnostics, elsewhere: [] }
      return { diagnostics: loaded.value.warnings, elsewhere: this.elsewhere(openPolicy(loaded.value)) }
    }
    if (this.path === undefined) return { diagnostics: [], elsewhere: [] }
    const loaded = await loadWhitelist(this.path, overlay)
    return { diagnostics: loaded.ok ? loaded.value.warnings : loaded.problem.diagnostics, elsewhere: [] }
  }

  // a list file that two environments name; where they share the whole whitelist, that is meant
  private elsewhere({ environments }: Policy): readonly ChangedElsewhere[] {
    const { within } = this
    if (within === undefined) return []
    return [...environments].flatMap(([environment, { whitelist, config }]) => {
      const before = within.policy.environments.get(environment)
      const isMeant = config.whitelist.path === within.environment.config.whitelist.path
      if (before === undefined || isMeant) return []
      const { added, removed, changed } = diffWhitelists(before.whitelist, whitelist)
      const partners = [...added, ...removed, ...changed].map(({ id }) => id)
      return partners.length === 0 ? [] : [{ environment, partners }]
    })
  }

  private async files(): Promise<readonly string[]> {
    if (this.path === undefined) return []
    if (!(await isFolder(this.path))) return [this.path]
    const listed = await listFolder(this.path, whitelistExtensions)
    return listed.ok ? listed.value : []
  }
}

/** The text of a file; undefined where there is none. @throws Error where it cannot be read, or is not UTF-8 */
async function readText(path: string): Promise<string | undefined> {
  const read = await readBounded(path, largest.whitelistFile)
  if (!read.ok) {
    if (read.problem.code === 'not-found') return undefined
    throw new Error(read.problem.message)
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read.value)
}

/**
 * Puts changes in place, file by file, each whole; where one cannot be, those before it are put back.
 *
 * @throws Error where a file is not what it was when the change was made up, or cannot be written
 */
export async function writeChanges(changes: readonly FileChange[]): Promise<void> {
  for (const { path, before } of changes) {
    if ((await readText(path)) !== before)
      throw new Error(`\`${path}\` has changed meanwhile; nothing was written`)
  }
  for (const [index, { path, after }] of changes.entries()) {
    const problem = await putFile(path, after)
    if (problem === undefined) continue
    const left: string[] = []
    for (const done of changes.slice(0, index)) {
      if ((await putFile(done.path, done.before)) !== undefined) left.push(`\`${done.path}\``)
    }
    const outcome =
      left.length === 0 ? 'nothing was written' : `${left.join(', ')} was written, and cannot be put back`
    throw new Error(`${problem}; ${outcome}`)
  }
}

/** Makes a file hold this text, or be none; why it cannot, undefined where it could. */
async function putFile(path: string, text: string | undefined): Promise<string | undefined> {
  if (text === undefined) {
    return rm(path).then(
      () => undefined,
      (error: unknown) => problemOf(path, error).message,
    )
  }
  const written = await writeAtomically(path, Buffer.from(text), await modeOf(path))
  return written.ok ? undefined : written.problem.message
}

function environmentOf({ environments }: Policy, wanted: string | undefined): EnvironmentPolicy {
  const names = [...environments.keys()].map((name) => `\`${name}\``).join(', ')
  const [only, ...others] = environments.values()
  if (wanted === undefined && only !== undefined && others.length === 0) return only
  const found = wanted === undefined ? undefined : environments.get(wanted)
  if (found !== undefined) return found
  throw new UsageError(
    `expected --env with one of ${names}${wanted === undefined ? '' : `, found \`${wanted}\``}`,
  )
}

function isNameOfWhitelist(path: string): boolean {
  return whitelistExtensions.includes(extname(path))
}

async function isPresent(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

async function modeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mode }) => mode & 0o777,
    () => 0o644,
  )
}
