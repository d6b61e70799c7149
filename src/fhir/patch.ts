import type { PatchAim } from '../core/api.js'
import { deny, type Denial } from '../core/decision.js'
import { onlyText } from './body.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { elementsOfPath } from './fhir-path.js'

/** What a judgement reads of a FHIRPath Patch. */
export const patchWanted: Wanted = {
  resourceType: {},
  parameter: {
    name: {},
    part: { name: {}, valueString: {}, valueCode: {}, valueInteger: {} },
  },
}

const topLevel: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta', 'language', 'parameter'])
const operationTypes: ReadonlySet<string> = new Set(['add', 'insert', 'delete', 'replace', 'move'])
const indexes: readonly string[] = ['index', 'source', 'destination']
// what is written, and so not judged; `extension` stands in a documented draft of the ROR
const contents: ReadonlySet<string> = new Set(['value', 'extension'])
const elementName = /^[a-z][A-Za-z0-9]{0,63}$/

/**
 * Refuses a FHIRPath Patch that is not one, or that aims at anything but what the rule describes.
 *
 * Every operation is judged. What it aims at is its `path`, and for `add` the `name` below it; its
 * element names must begin with one of the aim's paths, each a whole step.
 *
 * @see FHIR R4 section 2.14.3 (fhirpatch.html)
 */
export function judgePatch(parameters: FhirElement, aim: PatchAim): Denial | undefined {
  const type = onlyText(parameters, 'resourceType', 'resourceType')
  if (!type.ok) return type.problem
  if (type.value !== 'Parameters') return unreadable('resourceType', 'a patch is a `Parameters` resource')
  for (const name of parameters.children.keys()) {
    if (!topLevel.has(name))
      return unreadable('Parameters', `\`${name.slice(0, 40)}\` is not part of a patch`)
  }
  const operations = parameters.children.get('parameter') ?? []
  if (operations.length === 0) return unreadable('Parameters.parameter', 'a patch has at least one operation')
  for (const [index, operation] of operations.entries()) {
    const denial = judgeOperation(operation, `Parameters.parameter[${index}]`, aim)
    if (denial !== undefined) return denial
  }
  return undefined
}

function judgeOperation(operation: FhirElement, at: string, aim: PatchAim): Denial | undefined {
  if (operation.kind !== 'complex') return unreadable(at, 'a parameter must be an object')
  const name = onlyText(operation, 'name', at)
  if (!name.ok) return name.problem
  if (name.value !== 'operation') return unreadable(at, 'every parameter of a patch is named `operation`')
  for (const child of operation.children.keys()) {
    if (child !== 'name' && child !== 'part' && child !== 'id') {
      return unreadable(at, `\`${child.slice(0, 40)}\` is not part of an operation`)
    }
  }
  const parts = new Map<string, string>()
  for (const part of operation.children.get('part') ?? []) {
    const denial = readPart(part, at, parts)
    if (denial !== undefined) return denial
  }
  const type = parts.get('type')
  if (type === undefined || !operationTypes.has(type)) {
    return unreadable(at, `the type of an operation is one of ${[...operationTypes].join(', ')}`)
  }
  const path = parts.get('path')
  if (path === undefined) return unreadable(at, 'an operation has a path')
  return judgeAim({ path, child: type === 'add' ? parts.get('name') : undefined }, at, aim)
}

/** Takes one part of an operation into `parts`: each name once, each judged one with its one value and nothing else. */
function readPart(part: FhirElement, at: string, parts: Map<string, string>): Denial | undefined {
  if (part.kind !== 'complex') return unreadable(at, 'a part must be an object')
  const found = onlyText(part, 'name', at)
  if (!found.ok) return found.problem
  const name = found.value ?? ''
  if (parts.has(name)) return unreadable(at, `the part \`${name.slice(0, 40)}\` stands there twice`)
  if (contents.has(name)) {
    parts.set(name, '')
    return undefined
  }
  const isIndex = indexes.includes(name)
  if (!isIndex && name !== 'type' && name !== 'path' && name !== 'name') {
    return unreadable(at, `the part \`${name.slice(0, 40)}\` is not one of an operation`)
  }
  const [value, ...others] = [...part.children.keys()].filter((child) => child !== 'name')
  const spellings = isIndex
    ? ['valueInteger']
    : name === 'type'
      ? ['valueCode', 'valueString']
      : ['valueString']
  if (value === undefined || others.length > 0 || !spellings.includes(value)) {
    return unreadable(at, `the part \`${name}\` has one ${spellings.join(' or ')} and nothing else`)
  }
  const [written, ...again] = part.children.get(value) ?? []
  const text = written?.value
  if (text === undefined || again.length > 0 || (written?.kind !== 'string' && !isIndex)) {
    return unreadable(at, `the part \`${name}\` has one value`)
  }
  if (isIndex && !/^[0-9]{1,9}$/.test(text)) return unreadable(at, `the part \`${name}\` is a number`)
  if (name === 'name' && !elementName.test(text)) return unreadable(at, 'the part `name` is an element name')
  parts.set(name, text)
  return undefined
}

function judgeAim(
  { path, child }: { path: string; child: string | undefined },
  at: string,
  aim: PatchAim,
): Denial | undefined {
  const elements = elementsOfPath(path)
  if (!elements.ok) {
    return deny('establishment-ambiguous', {
      detail: elements.problem,
      sent: { at, problem: elements.problem },
    })
  }
  const aimed = child === undefined ? elements.value : [...elements.value, child]
  const isWithin =
    aimed[0] === aim.resource && aim.paths.some((allowed) => beginsWith(aimed, allowed.split('.')))
  const aimsAt = aimed.join('.').slice(0, 200)
  if (isWithin) {
    const { except = [] } = aim
    // whoever may move a resource to another establishment may write there
    if (except.length === 0 || (aimed[1] !== undefined && !except.includes(aimed[1]))) return undefined
    const expected = `an element other than ${except.join(', ')}`
    return deny('establishment-ambiguous', {
      detail: `the patch aims at ${aimsAt}, which says whose it is`,
      sent: { at, aimsAt, expected },
    })
  }
  return deny('establishment-ambiguous', {
    detail: `the patch aims at ${aimsAt}`,
    sent: { at, aimsAt, expected: aim.paths.join(' or ') },
  })
}

function beginsWith(aimed: readonly string[], allowed: readonly string[]): boolean {
  return allowed.every((step, index) => aimed[index] === step)
}

function unreadable(at: string, problem: string): Denial {
  return deny('body-unreadable', { detail: problem, sent: { at, problem } })
}
