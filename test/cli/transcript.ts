import {
  cpSync,
  createReadStream,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { root } from '../support/shared.js'
import { xlsxParts, zip } from '../support/workbook.js'
import { command } from './in-process.js'

/** Where the transcripts of the editing verbs stand, beside the folder `shared` they begin with. */
export const transcripts = join(root, 'test', 'cases', 'cli', 'import')

// certificates of the cases are judged at one moment, whenever they are run
const moment = '2026-12-01T08:00:00Z'
const judged = new Set(['import', 'renew', 'explain'])

/** What one command said. */
export interface Said {
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  /** Undefined for `cat`. */
  readonly code: number | undefined
}

/** A copy of the folder `shared`, as the working folder until the test ends. */
export function enterScratch(context: TestContext): string {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'ror-transcript-')))
  const before = process.cwd()
  context.after(() => {
    process.chdir(before)
    rmSync(scratch, { recursive: true, force: true })
  })
  cpSync(join(transcripts, 'shared'), scratch, { recursive: true })
  // no private key stands in the repository, not even one of nobody
  const key = ['-----BEGIN PRIVATE', 'KEY-----\nMAA=\n-----END PRIVATE', 'KEY-----\n'].join(' ')
  const certificate = readFileSync(join(scratch, 'mail/ema.pem'), 'utf8')
  writeFileSync(join(scratch, 'mail/with-key.pem'), certificate + key)
  // the version that a PKCS#12 store begins with, and a workbook with a part for macros
  writeFileSync(join(scratch, 'mail/store.p12'), Buffer.from('3003020103', 'hex'))
  writeFileSync(
    join(scratch, 'mail/macros.xlsm'),
    zip({ ...xlsxParts({ a: [['FINESS']] }), 'xl/vbaProject.bin': '' }),
  )
  // a row that a filter hides, and a sheet that nobody sees
  const filtered = xlsxParts({
    Liste: [['FINESS'], ['350000048'], ['290004324']],
    Ancienne: [['FINESS'], ['220000012']],
  })
  const [book, sheet] = ['xl/workbook.xml', 'xl/worksheets/sheet1.xml'] as const
  filtered[book] = filtered[book]?.replace('name="Ancienne"', 'name="Ancienne" state="hidden"') ?? ''
  filtered[sheet] = filtered[sheet]?.replace('<row r="3"', '<row r="3" hidden="1"') ?? ''
  writeFileSync(join(scratch, 'mail/filtered.xlsx'), zip(filtered))
  process.chdir(scratch)
  return scratch
}

/** Runs a line such as `LANG=fr import a.pem < dn.txt`, or `cat FILE`, in the working folder. */
export async function say(line: string): Promise<Said> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
  const variables: Record<string, string> = {}
  while (/^[A-Z]+=/.test(words[0] ?? '')) {
    const [name = '', value = ''] = (words.shift() ?? '').split('=')
    variables[name] = value
  }
  const [verb = '', ...args] = words
  if (verb === 'cat')
    return { stdout: linesOf(readFileSync(args[0] ?? '', 'utf8')), stderr: [], code: undefined }
  const from = args.indexOf('<')
  const stdin = from === -1 ? undefined : createReadStream(args.splice(from)[1] ?? '')
  const at = judged.has(verb) ? ['--at', moment] : []
  const { code, stdout, stderr } = await command([verb, ...args, ...at], variables, stdin)
  return { stdout: linesOf(stdout), stderr: linesOf(stderr), code }
}

/** Every file below a folder, with what it holds. */
export function contentOf(folder: string): readonly (readonly [string, string])[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [path, readFileSync(path, 'latin1')])
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
