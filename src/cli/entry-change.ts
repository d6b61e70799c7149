import { dirname, relative, resolve } from 'node:path'
import { toIdNatStruct } from '../core/establishment.js'
import { resolvePath } from '../config/paths.js'
import { editList, type ListChange } from '../config/list-edit.js'
import { addPartner, editPartner, newWhitelist, type PartnerEdit } from '../config/whitelist-edit.js'
import type { YamlMapping } from '../config/yaml-layout.js'
import { shortForm } from './list-findings.js'
import type { WhitelistDesk, WrittenEntry } from './whitelist-desk.js'

/** A new entry. */
export interface NewEntry {
  readonly id: string
  readonly fields: YamlMapping
  readonly establishments: readonly string[]
  /** Where the numbers are to stand, in place of the entry itself. */
  readonly listFile: string | undefined
}

/** What is changed in an entry that is there. */
export interface EntryChange {
  readonly edits: readonly PartnerEdit[]
  /** Of the partner's own numbers: those of single certificates are not meant. */
  readonly establishments: ListChange
  readonly listFile: string | undefined
}

/** Takes up a new entry, behind the others. */
export async function addEntry(desk: WhitelistDesk, entry: NewEntry): Promise<void> {
  const path = (await desk.fileFor(entry.id)) ?? resolve(`${entry.id}.yaml`)
  const before = await desk.textOf(path)
  const list = entry.listFile === undefined ? undefined : resolve(entry.listFile)
  const numbers = entry.establishments.map(shortForm)
  const own: YamlMapping =
    list !== undefined
      ? { establishmentsFile: relative(dirname(path), list) }
      : numbers.length === 0
        ? {}
        : { establishments: numbers }
  const partner = { ...entry.fields, ...own }
  const edited = before === undefined ? undefined : addPartner(before, partner)
  if (edited?.ok === false) throw new Error(`\`${path}\`: ${edited.problem.message}`)
  if (list !== undefined) await changeList(desk, list, { added: entry.establishments, removed: new Set() })
  await desk.put(path, edited?.value ?? newWhitelist(partner))
}

/** Takes up a change of an entry where it is, and of the list file it names. */
export async function changeEntry(
  desk: WhitelistDesk,
  { path, text, located }: WrittenEntry,
  change: EntryChange,
): Promise<void> {
  const { written } = located
  const named = written['establishmentsFile']
  const list = typeof named === 'string' ? resolvePath(path, named) : undefined
  const wanted = change.listFile === undefined ? undefined : resolve(change.listFile)
  if (wanted !== undefined && list !== undefined && wanted !== list) {
    throw new Error(`the entry names \`${list}\` as its list already`)
  }
  const file = list ?? wanted
  const { added, removed } = change.establishments
  const edits = [...change.edits]
  if (wanted !== undefined && list === undefined) {
    const value = relative(dirname(path), wanted)
    edits.push({ kind: 'set', path: [], key: 'establishmentsFile', value, after: 'apis' })
  }
  edits.push(...numberEdits(written, { added: file === undefined ? added : [], removed }))
  const edited = editPartner(text, located, edits)
  if (!edited.ok) throw new Error(`\`${path}\`: ${edited.problem.message}`)
  if (file !== undefined) await changeList(desk, file, change.establishments)
  await desk.put(path, edited.value)
}

/** The edits of the numbers that stand in the entry itself. */
export function numberEdits(
  written: Readonly<Record<string, unknown>>,
  { added, removed }: ListChange,
  path: readonly (string | number)[] = [],
): readonly PartnerEdit[] {
  const list = textsIn(written['establishments'])
  const edits: PartnerEdit[] = []
  const indexes = new Set(list.flatMap((text, index) => (removed.has(idOf(text)) ? [index] : [])))
  if (added.length > 0) {
    const isShort = list.length === 0 || list.some((text) => text.length === 9)
    const items = isShort ? added.map(shortForm) : added
    edits.push({ kind: 'append', path, key: 'establishments', items, after: 'apis' })
  }
  // behind the others, so that what is removed keeps its position until then
  if (indexes.size > 0) edits.push({ kind: 'remove', path: [...path, 'establishments'], indexes })
  return edits
}

/** The mappings of a list as written; none where it is something else. */
export function recordsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list.filter((each): each is Readonly<Record<string, unknown>> => {
    return typeof each === 'object' && each !== null && !Array.isArray(each)
  })
}

/** The texts of a list as written; none where it is something else. */
export function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

async function changeList(desk: WhitelistDesk, path: string, change: ListChange): Promise<void> {
  if (change.added.length + change.removed.size === 0) return
  const after = editList((await desk.textOf(path)) ?? '', change)
  if (after === undefined) throw new Error(`\`${path}\`: the column of the numbers cannot be told`)
  await desk.put(path, after)
}

function idOf(text: string): string {
  const id = toIdNatStruct(text)
  return id.ok ? id.value : text
}
