import { readBounded } from '../files/read.js'
import { readLineBytes } from '../files/line-bytes.js'
import { readSealWitness, type SealWitness } from '../observe/audit-seal.js'
import { AuditVerifier, type AuditVerdict } from '../observe/audit-verify.js'
import { exit, listOption, textOption, UsageError, type Verb } from './verb.js'

const maxKeyBytes = 16_384

/** `ror-gateway audit verify`: whether an audit trail is as it was written, and where it is not. */
export const audit: Verb = {
  name: 'audit',
  summary: 'verifies the audit trail: finds changed, missing, moved and added lines',
  positionals: [
    { name: 'ACTION', help: '`verify`' },
    { name: 'FILE', multiple: true, help: 'audit files, the oldest first; `-` is the standard input' },
  ],
  options: [
    {
      name: 'public-key',
      value: 'FILE',
      multiple: true,
      help: 'checks the seals by this key (`audit.key.pub`); may be given several times',
    },
    { name: 'json', help: 'the verdict as JSON' },
  ],
  examples: [
    'ror-gateway audit verify audit-*.ndjson audit.ndjson --public-key audit.key.pub',
    'zcat audit-2026*.ndjson.gz | ror-gateway audit verify - --json',
  ],
  async run(options, { stdout, stderr }) {
    const action = textOption(options, 'action')
    if (action !== 'verify') throw new UsageError(`unknown action \`${action ?? ''}\`; known is verify`)
    const files = listOption(options, 'file')
    if (files.length === 0) throw new UsageError('expected FILE')
    const witnesses: SealWitness[] = []
    for (const path of listOption(options, 'public-key')) {
      const read = await readBounded(path, maxKeyBytes)
      if (!read.ok) throw new Error(read.problem.message)
      const witness = readSealWitness(read.value.toString('utf8'))
      if (!witness.ok) throw new Error(`\`${path}\`: ${witness.problem}`)
      witnesses.push(witness.value)
    }
    const verifier = new AuditVerifier(witnesses)
    for (const path of files) {
      verifier.beginFile(path)
      const read = await readLineBytes(path === '-' ? process.stdin : path, (line) => {
        verifier.take(line)
      })
      if (!read.ok) throw new Error(read.problem.message)
    }
    const verdict = verifier.verdict()
    if (options['json'] === true) stdout.write(`${JSON.stringify(verdict, null, 2)}\n`)
    else tell(verdict, { stdout, stderr, isChecked: witnesses.length > 0 })
    return verdict.ok ? exit.done : exit.invalid
  },
}

interface Hearers {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Whether a public key was given. */
  readonly isChecked: boolean
}

function tell(verdict: AuditVerdict, { stdout, stderr, isChecked }: Hearers): void {
  for (const { kind, place, message } of verdict.findings) {
    stderr.write(`${place.file}:${place.line} ${kind}: ${message}\n`)
  }
  const untold = verdict.findingCount - verdict.findings.length
  if (untold > 0) stderr.write(`and ${untold} more\n`)
  for (const { file, line } of verdict.torn) {
    stdout.write(`${file}:${line} cut short by a crash; the chain goes on behind it\n`)
  }
  const { lines, files, firstSequence = 0, lastSequence = 0, seals, sealsChecked, sealed } = verdict
  stdout.write(
    `${count(lines, 'line')} in ${count(files, 'file')}: numbers ${firstSequence} to ${lastSequence}\n`,
  )
  if (firstSequence > 1)
    stdout.write(`the ${count(firstSequence - 1, 'line')} before these are not looked at\n`)
  const checked = isChecked ? `${sealsChecked} checked` : 'none checked: give --public-key'
  stdout.write(`${count(seals, 'seal')}, ${checked}\n`)
  if (sealed !== undefined) {
    const { place, time } = sealed
    const behind = verdict.linesAfterSeal
    const rest =
      behind === 0 ? 'nothing stands behind it' : `${count(behind, 'line')} behind it not sealed yet`
    stdout.write(
      `sealed up to ${place.file}:${place.line}${time === undefined ? '' : `, ${time}`}; ${rest}\n`,
    )
  }
  stdout.write(verdict.ok ? 'in order\n' : `not in order: ${count(verdict.findingCount, 'finding')}\n`)
}

function count(number: number, noun: string): string {
  return `${number} ${number === 1 ? noun : `${noun}s`}`
}
