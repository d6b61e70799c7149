import { basename } from 'node:path'
import type { AuditConfig } from '../config/audit-schema.js'
import type { PlacedPath } from '../config/gateway-config.js'
import { formatPlace } from '../core/diagnostic.js'
import { openAppendFile, type AppendFile } from '../files/append.js'
import { readFileEnd, type FileEnd } from '../files/file-end.js'
import { takeLock, type FileLock } from '../files/lock.js'
import { removeRotatedBefore, rotatedFiles, rotatedPath } from '../files/rotated.js'
import { chainEnd, type ChainEnd } from '../observe/audit-chain.js'
import { createAudit, type Audit, type ChainedAudit } from '../observe/audit.js'
import type { Log } from '../observe/log.js'
import { readOrMakeSealKey } from './seal-key.js'

/** The audit trail of a running gateway: its lines, their file, and what time does to both. */
export interface AuditTrail<Kind extends Audit = Audit> {
  readonly audit: Kind
  /** Seals, purges and says that the file is still ours, each in its time, however often it is called. */
  tick(): void
  reopen(): void
  /** Seals what is not sealed yet. Resolves to how many lines were lost since the start. */
  close(): Promise<number>
}

interface TrailNeeds {
  readonly config: AuditConfig
  readonly log: Log
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Called each time that writing begins to fail. */
  readonly onProblem: () => void
}

// about 100,000 lines may wait while the disk is slow
const queuedBytes = 64 * 1024 * 1024
/** No line is longer: a hundred establishments, everything cut. */
const endBytes = 4 * 1024 * 1024
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const renewMs = 5_000

/**
 * Opens the audit trail behind what stands in its file already.
 *
 * @throws Error with one line: a file or a key that cannot be used, another process that writes the file
 */
export async function openAuditTrail(needs: TrailNeeds): Promise<AuditTrail<ChainedAudit>> {
  const { config, log } = needs
  const sealKey = config.sealKey === undefined ? undefined : await readOrMakeSealKey(config.sealKey, log)
  if (config.file === undefined) {
    const file = await openFile('stdout', needs)
    const audit = createAudit(file, { format: config.format, sealKey })
    return new KeptTrail({ ...needs, audit, file, lock: undefined })
  }
  const { path } = config.file
  const end = await readFileEnd(path, endBytes)
  if (!end.ok) throw refused(config.file, end.problem.message)
  const { isRegular, size } = end.value
  // a pipe or a device has no past, is nobody's alone, and is not set aside
  const lock = isRegular ? await lockOf(config.file) : undefined
  try {
    const past = await pastOf(path, end.value)
    const file = await openFile(config.file, needs)
    if (past.isTorn) file.write('\n')
    const rotate = (time: number): void => {
      file.rotate(rotatedPath(path, time))
    }
    const rotation = { ...config.rotate, begun: { bytes: size, time: past.time }, rotate }
    const audit = createAudit(file, {
      format: config.format,
      head: past.head,
      sealKey,
      rotation: isRegular ? rotation : undefined,
    })
    const trail = new KeptTrail({ ...needs, audit, file, lock })
    log.debug('the audit trail goes on', { file: path, lines: past.head.sequence })
    return trail
  } catch (error) {
    await lock?.release()
    throw error
  }
}

async function lockOf(file: PlacedPath): Promise<FileLock> {
  const taken = await takeLock(`${file.path}.lock`)
  if (!taken.ok) throw refused(file, taken.problem)
  return taken.value
}

/** Where the chain stands: at the end of the file, or else of the last one that was set aside. */
async function pastOf(path: string, end: FileEnd): Promise<ChainEnd> {
  if (end.size > 0) return chainEnd(end.bytes)
  const before = (await rotatedFiles(path)).at(-1)
  const last = before === undefined ? undefined : await readFileEnd(before.path, endBytes)
  const past = chainEnd(last?.ok === true ? last.value.bytes : Buffer.alloc(0))
  // what was torn stands in the other file
  return { ...past, isTorn: false, time: Number.NaN }
}

async function openFile(
  target: PlacedPath | 'stdout',
  { log, onProblem }: Pick<TrailNeeds, 'log' | 'onProblem'>,
): Promise<AppendFile> {
  const opened = await openAppendFile({
    target: target === 'stdout' ? target : { path: target.path, mode: 0o640 },
    maxQueued: queuedBytes,
    onProblem: (problem) => {
      onProblem()
      log.error('the audit trail cannot be written', { detail: problem.message })
    },
    onRecovered: (lost) => {
      log.warn('the audit trail is written again', { lines: lost })
    },
    onRotated: (rotated) => {
      if (rotated.ok) log.info('the audit file is set aside', { file: rotated.value })
      else
        log.error('the audit file cannot be set aside; it is written on', { detail: rotated.problem.message })
    },
  })
  if (!opened.ok) throw refused(target, opened.problem.message)
  return opened.value
}

function refused(at: PlacedPath | 'stdout', message: string): Error {
  return new Error(at === 'stdout' ? `audit ${message}` : `${formatPlace(at.place)} audit ${message}`)
}

class KeptTrail implements AuditTrail<ChainedAudit> {
  readonly audit: ChainedAudit
  private readonly needs: TrailNeeds
  private readonly file: AppendFile
  private readonly lock: FileLock | undefined
  private sealDue: number
  private purgeDue = -Infinity
  private purging: Promise<void> = Promise.resolve()
  private renewDue = 0
  private isDisputed = false

  constructor({
    audit,
    file,
    lock,
    ...needs
  }: TrailNeeds & Pick<KeptTrail, 'audit'> & { file: AppendFile; lock: FileLock | undefined }) {
    this.audit = audit
    this.file = file
    this.lock = lock
    this.needs = needs
    this.sealDue = needs.now() + needs.config.sealMinutes * minute
  }

  tick(): void {
    const now = this.needs.now()
    const pause = this.needs.config.sealMinutes * minute
    // a clock that was set back keeps no seal waiting until it is where it was
    if (now >= this.sealDue || now < this.sealDue - pause) {
      this.sealDue = now + pause
      this.audit.seal(now)
    }
    if (now >= this.purgeDue) {
      this.purgeDue = now + hour
      this.purging = this.purge(now)
    }
    // the lock file's age is judged by the machine's clock
    const uptime = performance.now()
    if (uptime >= this.renewDue) {
      this.renewDue = uptime + renewMs
      void this.renew()
    }
  }

  reopen(): void {
    this.file.reopen()
  }

  async close(): Promise<number> {
    await this.purging
    this.audit.seal(this.needs.now())
    const lost = await this.file.close()
    await this.lock?.release()
    return lost
  }

  private async purge(now: number): Promise<void> {
    const { config, log } = this.needs
    if (config.file === undefined || config.keepDays === 0) return
    const { removed, problems } = await removeRotatedBefore(config.file.path, now - config.keepDays * day)
    for (const { message } of problems) log.error('an audit file cannot be removed', { detail: message })
    if (removed.length === 0) return
    const detail = removed.map((path) => basename(path)).join(' ')
    log.info('audit files are removed: they were kept long enough', { files: removed, days: config.keepDays })
    this.audit.write({ time: now, event: 'purge', detail })
  }

  private async renew(): Promise<void> {
    if (this.lock === undefined || (await this.lock.renew()) === !this.isDisputed) return
    this.isDisputed = !this.isDisputed
    if (this.isDisputed) {
      this.needs.log.error('another process has taken the audit file: lines of both may mix', {
        file: this.needs.config.file?.path,
      })
    }
  }
}
